"""Self-contained pages: HTML and SVG from plain values; nothing is loaded from the network, no script is needed."""
