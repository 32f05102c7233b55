"""Parses Swift files; prints `file:line:column: what` for every place that is not Swift, and fails if there is one."""

import sys

import tree_sitter_swift
from tree_sitter import Language, Parser

PARSER = Parser(Language(tree_sitter_swift.language()))

# What must be taken for wrong: a parser that takes everything would check nothing.
NOT_SWIFT = [b"func { }", b"class A { func b( }", b"let x = = 1", b"if true { "]


def faults(source):
    """The nodes that are not Swift: what could not be read, and what is missing."""
    nodes = [PARSER.parse(source).root_node]
    while nodes:
        node = nodes.pop()
        if node.type == "ERROR" or node.is_missing:
            yield node
        elif node.has_error:
            nodes.extend(node.children)


def main(paths):
    for text in NOT_SWIFT:
        if not any(faults(text)):
            sys.exit(f"the parser takes {text!r} for Swift")
    wrong = 0
    for path in paths:
        with open(path, "rb") as file:
            source = file.read()
        for node in faults(source):
            wrong += 1
            line, column = node.start_point
            what = f"missing {node.type}" if node.is_missing else source[node.start_byte : node.start_byte + 40]
            print(f"{path}:{line + 1}:{column + 1}: {what}")
    if wrong or not paths:
        sys.exit(f"{wrong} places in {len(paths)} files are not Swift")


main(sys.argv[1:])
