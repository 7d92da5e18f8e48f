"""Cut Verilog into syntactically significant fragments (paper 1, III-C).

The paper takes the leaves and the informative non-terminals of the syntax tree, adds common constructs,
and cuts the text at them. So do we, with slang's error-tolerant tree: a fragment ends

- after a token that an informative non-terminal owns itself (the `)` of an `if`, the `,` of a port
  list, the `;` of a statement, the `=` of an assignment, the operator of an expression), which is where
  an engineer would say "this piece is whole";
- after a block keyword (`begin`, `end`, `endmodule`, `else`, ...);
- after the closing punctuation that follows directly, so that none stands alone;
- at every line end, comments and directives included, so that text no parser understands is still cut.

White space that contains a line end belongs to the fragment before it; other blanks to the one after.
Fragments always join to exactly the text they came from.
"""

from __future__ import annotations

import re

from pyslang import parsing, syntax

from engine.verilog.reading import read

_Kind = syntax.SyntaxKind

# Non-terminals whose own tokens (not those of their children) end a fragment.
_INFORMATIVE = [
    _Kind.ModuleHeader,
    _Kind.ModuleDeclaration,
    _Kind.ParameterPortList,
    _Kind.AnsiPortList,
    _Kind.NonAnsiPortList,
    _Kind.ParameterDeclarationStatement,
    _Kind.ParameterDeclaration,
    _Kind.PortDeclaration,
    _Kind.NetDeclaration,
    _Kind.DataDeclaration,
    _Kind.GenvarDeclaration,
    _Kind.VariableDimension,
    _Kind.EqualsValueClause,
    _Kind.ContinuousAssign,
    _Kind.AssignmentExpression,
    _Kind.NonblockingAssignmentExpression,
    _Kind.ConditionalExpression,
    _Kind.LogicalAndExpression,
    _Kind.LogicalOrExpression,
    _Kind.BinaryAndExpression,
    _Kind.BinaryOrExpression,
    _Kind.BinaryXorExpression,
    _Kind.EqualityExpression,
    _Kind.InequalityExpression,
    _Kind.ConcatenationExpression,
    _Kind.EventControlWithExpression,
    _Kind.ParenthesizedEventExpression,
    _Kind.BinaryEventExpression,
    _Kind.ImplicitEventControl,
    _Kind.ExpressionStatement,
    _Kind.SequentialBlockStatement,
    _Kind.ConditionalStatement,
    _Kind.ElseClause,
    _Kind.CaseStatement,
    _Kind.StandardCaseItem,
    _Kind.DefaultCaseItem,
    _Kind.ForLoopStatement,
    _Kind.LoopStatement,
    _Kind.IfGenerate,
    _Kind.CaseGenerate,
    _Kind.LoopGenerate,
    _Kind.GenerateBlock,
    _Kind.GenerateRegion,
    _Kind.HierarchyInstantiation,
    _Kind.HierarchicalInstance,
    _Kind.InstanceName,
    _Kind.ParameterValueAssignment,
    _Kind.NamedPortConnection,
    _Kind.NamedParamAssignment,
    _Kind.OrderedPortConnection,
    _Kind.FunctionDeclaration,
    _Kind.TaskDeclaration,
    _Kind.FunctionPortList,
    _Kind.InvocationExpression,
]

# Tokens of an informative non-terminal that open something rather than complete it: cutting after them
# would leave fragments such as "if" or "assign" that tell the reader nothing.
_T = parsing.TokenKind
_OPENERS = {
    _T.ModuleKeyword,
    _T.Hash,
    _T.At,
    _T.Dot,
    _T.OpenBracket,
    _T.OpenBrace,
    _T.IfKeyword,
    _T.ForKeyword,
    _T.CaseKeyword,
    _T.CaseXKeyword,
    _T.CaseZKeyword,
    _T.AssignKeyword,
    _T.ParameterKeyword,
    _T.LocalParamKeyword,
    _T.GenVarKeyword,
    _T.FunctionKeyword,
    _T.TaskKeyword,
    _T.WireKeyword,
    _T.RepeatKeyword,
    _T.WhileKeyword,
    _T.Placeholder,
}
# An opening parenthesis completes `module m (` and `sub u0 (`, but not `if (` or `.port(`.
_OPENS_LIST = {
    _Kind.AnsiPortList,
    _Kind.NonAnsiPortList,
    _Kind.ParameterPortList,
    _Kind.HierarchicalInstance,
    _Kind.ParameterValueAssignment,
    _Kind.FunctionPortList,
}
_NAMED = {_Kind.NamedPortConnection, _Kind.NamedParamAssignment}

# A directive would be carried out by slang's preprocessor (includes opened, branches dropped): blank it,
# and let a macro stand for an identifier of the same length.
_DIRECTIVE = re.compile(
    r"(?m)`(?:define|include|undef|timescale|default_nettype|line|pragma|ifdef|ifndef|elsif|else|endif"
    r"|resetall|celldefine|endcelldefine|begin_keywords|end_keywords)\b(?:[^\n\\]|\\\n|\\.)*"
)
_MACRO = re.compile(r"`(?=[A-Za-z_])")
_LINE_END = re.compile(r"[ \t]*\r?\n\s*")
_CLOSERS = re.compile(r"[)\]};,:]*")


def boundaries(text: str) -> list[int]:
    """Offsets at which a fragment ends, ascending; the last is `len(text)` (none for empty text)."""
    ends = _tree_ends(text)
    cuts = {match.end() for match in _LINE_END.finditer(text)}
    for end in ends:
        end = _CLOSERS.match(text, end).end()
        gap = _LINE_END.match(text, end)
        cuts.add(gap.end() if gap else end)
    cuts.discard(0)
    if text:
        cuts.add(len(text))
    return sorted(cuts)


def fragments(text: str) -> list[str]:
    """`text` as a list of fragments; joining them gives `text` back."""
    cuts = boundaries(text)
    return [text[start:end] for start, end in zip([0, *cuts], cuts, strict=False)]


def _tree_ends(text: str) -> list[int]:
    """Ends of the tokens that complete a fragment, as offsets into `text`."""
    plain = _DIRECTIVE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    reading = read(_MACRO.sub("_", plain))
    if reading is None:  # nested too deep to parse: line ends have to do
        return []
    ends: list[int] = []

    def visit(node: syntax.SyntaxNode) -> None:
        opens_list = node.kind in _OPENS_LIST
        names = node.kind in _NAMED
        for child in node:
            if not isinstance(child, parsing.Token) or child.isMissing:
                continue
            kind = child.kind
            if kind in _OPENERS or (kind == _T.OpenParenthesis and not opens_list):
                continue
            if names and kind == _T.Identifier:  # `.port` alone says nothing
                continue
            ends.append(reading.offset(child.range.end))

    reading.root.visit(lookup_table=dict.fromkeys(_INFORMATIVE, visit))
    return ends
