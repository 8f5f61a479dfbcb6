"""Who may use the API: tokens of the configuration, tokens of an OpenID provider, and a record of what was done."""
