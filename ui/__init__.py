"""The interfaces: the command line (`ui.cli`) and the browser (`ui.chat`)."""
