"""Images: their bytes, their pixels, simple statistics of them."""
