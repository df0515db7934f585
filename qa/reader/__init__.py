"""The extractive reader: a question and passages → the spans and sentences that answer, on one scale."""
