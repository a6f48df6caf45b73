"""Where a file comes from: content credentials on what leaves the house, a mark that survives, family trees."""
