"""Drawing of the scene graph's items; each module knows one family of things, and only `pen` knows the rasteriser."""
