"""撤回: a resource taken out of service in one act, and given back after an assessment."""
