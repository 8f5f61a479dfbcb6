"""The words of the business: values, events, errors and ports. Standard library and msgspec only; no I/O."""
