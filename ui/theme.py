"""Gradio's theme, bent to the colours of `assets/byline.css`: both name the same few variables."""

from __future__ import annotations

import gradio as gr


def theme() -> gr.themes.Base:
    """Return a theme whose fonts are the system's and whose colours come from the page's own variables."""
    base = gr.themes.Base(
        font=[
            "system-ui",
            "-apple-system",
            "Segoe UI",
            "Roboto",
            "Helvetica Neue",
            "Noto Sans",
            "Liberation Sans",
            "sans-serif",
        ],
        font_mono=["ui-monospace", "SF Mono", "Consolas", "Liberation Mono", "monospace"],
        radius_size=gr.themes.sizes.radius_md,
        text_size=gr.themes.sizes.text_md,
    )
    ours = {
        "body_background_fill": "var(--paper)",
        "body_text_color": "var(--ink)",
        "body_text_color_subdued": "var(--soft)",
        "background_fill_primary": "var(--sheet)",
        "background_fill_secondary": "var(--paper)",
        "block_background_fill": "transparent",
        "block_border_width": "0px",
        "block_label_background_fill": "transparent",
        "block_label_border_width": "0px",
        "block_label_text_color": "var(--soft)",
        "block_title_text_color": "var(--soft)",
        "block_info_text_color": "var(--soft)",
        "border_color_primary": "var(--rule)",
        "border_color_accent": "var(--accent)",
        "color_accent": "var(--accent)",
        "color_accent_soft": "var(--tint)",
        "link_text_color": "var(--accent)",
        "input_background_fill": "var(--sheet)",
        "input_border_color": "var(--edge)",
        "input_border_color_focus": "var(--accent)",
        "input_placeholder_color": "var(--soft)",
        "button_primary_background_fill": "var(--accent)",
        "button_primary_background_fill_hover": "var(--accent-deep)",
        "button_primary_text_color": "var(--on-accent)",
        "button_secondary_background_fill": "var(--sheet)",
        "button_secondary_background_fill_hover": "var(--tint)",
        "button_secondary_text_color": "var(--ink)",
        "button_secondary_border_color": "var(--edge)",
        "panel_background_fill": "transparent",
        "panel_border_width": "0px",
    }
    dark = {f"{name}_dark": value for name, value in ours.items() if hasattr(base, f"{name}_dark")}
    return base.set(**ours, **dark)
