"""The paper's tables, measured."""
