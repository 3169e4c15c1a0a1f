"""An accepted row in the form the customer asked for: a pure function of text, kind and column, made when a row leaves."""
