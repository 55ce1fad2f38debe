"""Who calls and what they may: tokens, scopes, sharing classes, grants and decisions. Knows codes; needs no catalog object."""
