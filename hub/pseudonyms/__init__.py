"""Master keys of keyed pseudonyms: their files, their versions, and how running hubs follow them."""
