"""The commands of operators, one module a group."""
