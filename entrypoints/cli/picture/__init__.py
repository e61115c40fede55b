"""Pictures drawn from the code, by a small hand-laid-out SVG renderer of our own."""
