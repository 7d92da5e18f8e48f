"""What a text declares and where each name is visible, as a tree of declarations.

The tree is made of slang's parse, so it holds for broken text as far as slang recovers. Nothing is
elaborated and no other file is looked at. Offsets are indices into the str.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

from pyslang import parsing, syntax

from engine.verilog.declarations import Declaration, Kind, Span
from engine.verilog.reading import Reading, read

_Kind = syntax.SyntaxKind
_Node = syntax.SyntaxNode


def outline(text: str) -> Declaration:
    """The declarations of `text`, below one of kind `file`; none where it nests too deep to read."""
    reading = read(text)
    root = _file(text)
    if reading is None:
        return root
    _Builder(reading, 0, root).build()
    starts = [match.start() for match in _MODULE_LINE.finditer(text)]
    if not reading.problems or _modules(root) >= len(starts) or len(starts) < 2:
        return root
    # A header that is still open swallows the next module: read them one by one.
    pieces = _file(text)
    for start, end in pairwise(sorted({0, *starts, len(text)})):
        if piece := read(text[start:end]):
            _Builder(piece, start, pieces).build()
    return max(root, pieces, key=_modules)


_MODULE_LINE = re.compile(r"^[ \t]*(?:macro)?module\b", re.MULTILINE)


def _file(text: str) -> Declaration:
    return Declaration("", "file", 0, len(text), 0, 0)


def _modules(root: Declaration) -> int:
    return sum(one.kind == "module" for one in root.children)


def _nodes(node: _Node | None) -> list[_Node]:
    """The nodes below `node`: of a separated list without its separators."""
    return [] if node is None else [child for child in node if isinstance(child, _Node)]


class _Builder:
    """Adds the declarations of one reading, which begins at offset `base` of the text, to `root`.

    Nesting is followed with a list, because Python's stack is shorter than what slang reads. The
    method of a node adds what it declares and returns the scope of what is below it.
    """

    def __init__(self, reading: Reading, base: int, root: Declaration) -> None:
        self.reading = reading
        self.base = base
        self.root = root
        self.unfinished: set[Declaration] = set()  # units without their `endmodule`

    def build(self) -> None:
        waiting = [(self.reading.root, self.root)]
        while waiting:
            node, scope = waiting.pop()
            enter = _DECLARES.get(node.kind)
            inner = scope if enter is None else enter(self, node, scope)
            below = [child for child in _nodes(node) if child.kind in _ENTERED]
            waiting += [(child, inner) for child in reversed(below)]

    def span(self, of: _Node | parsing.Token) -> Span:
        start, end = self.reading.span(of.sourceRange if isinstance(of, _Node) else of.range)
        return start + self.base, end + self.base

    def add(
        self,
        scope: Declaration,
        kind: Kind,
        name: parsing.Token | None,
        whole: Span,
        head: Span | None = None,
        type_at: int | None = None,
    ) -> Declaration:
        """Declare `name` in `scope`; a scope of its own need not have one."""
        one = Declaration("", kind, *whole, whole[0], whole[0], head, type_at, scope)
        if name is not None and not name.isMissing:
            one.name = name.valueText
            one.name_start, one.name_end = start, end = self.span(name)
            source = self.reading.text[start - self.base : end - self.base]
            one.written = source.removeprefix("\\") == one.name
        known = scope.members.get(one.name)
        if known is not None and known.kind in ("port", "argument") and kind in _REDECLARES:
            known.declare_again(one)
            return known
        scope.add(one)
        return one

    def declarators(
        self, nodes: _Node, scope: Declaration, kind: Kind, start: int, type_at: int | None = None
    ) -> list[Declaration]:
        """Each of `nodes`, a list, with the type before the first of them, which begins at `start`."""
        found = _nodes(nodes)
        head = (start, self.span(found[0])[0]) if found else None
        return [self.add(scope, kind, one.name, self.span(one), head, type_at) for one in found]

    def type(self, node: _Node | None, scope: Declaration) -> int | None:
        """Add the enumerators of a type to `scope`; where the name of the type stands, if it is one
        that the user has declared."""
        if node is None:
            return None
        if node.kind == _Kind.EnumType:
            for member in _nodes(node.members):
                self.add(scope, "enumerator", member.name, self.span(member))
        if node.kind == _Kind.NamedType:
            name = node.name
            while name.kind == _Kind.ScopedName:
                name = name.right
            return self.span(name)[0]
        return None

    def fields(self, type_: _Node, holder: Declaration) -> None:
        """Add the fields of a struct or union to what is declared with it."""
        if type_.kind not in (_Kind.StructType, _Kind.UnionType):
            return
        for member in _nodes(type_.members):
            start, type_at = self.span(member)[0], self.type(member.type, holder)
            for one in self.declarators(member.declarators, holder, "field", start, type_at):
                self.fields(member.type, one)

    # -- units and subroutines ---------------------------------------------------------------------

    def unit(self, node: _Node, scope: Declaration) -> Declaration:
        start, end = self.span(node)
        while scope in self.unfinished:
            # Its `endmodule` is missing, and slang takes this one for a module within it.
            scope.end = min(scope.end, start)
            scope = scope.parent
        header = node.header
        one = self.add(scope, _UNITS[node.kind], header.name, (start, end), self.span(header))
        if node.endmodule.isMissing:
            one.end = self.base + len(self.reading.text)
            self.unfinished.add(one)
        for item in (item for import_ in _nodes(header.imports) for item in _nodes(import_.items)):
            self.import_item(item, one)
        if header.parameters is not None:
            for declaration in _nodes(header.parameters):
                self.parameter(declaration, one)
        self.ports(header.ports, one)
        return one

    def primitive(self, node: _Node, scope: Declaration) -> Declaration:
        start, end = self.span(node)
        return self.add(
            scope, "primitive", node.name, (start, end), (start, self.span(node.body)[0])
        )

    def class_(self, node: _Node, scope: Declaration) -> Declaration:
        start, end = self.span(node)
        head = (start, self.span(node.semi)[1])
        one = self.add(scope, "class", node.name, (start, end), head)
        if node.parameters is not None:
            for declaration in _nodes(node.parameters):
                self.parameter(declaration, one)
        return one

    def subroutine(self, node: _Node, scope: Declaration) -> Declaration:
        prototype = node.prototype
        name = prototype.name
        while name.kind == _Kind.ScopedName:
            name = name.right
        kind: Kind = "task" if node.kind == _Kind.TaskDeclaration else "function"
        token = name.getLastToken()
        one = self.add(scope, kind, token, self.span(node), self.span(prototype))
        head = None
        for port in _nodes(prototype.portList):
            if port.kind == _Kind.FunctionPort:
                start, until = self.span(port)[0], self.span(port.declarator)[0]
                if until > start or head is None:
                    head, type_at = (start, until), self.type(port.dataType, one)
                self.add(
                    one, "argument", port.declarator.name, self.span(port.declarator), head, type_at
                )
        return one

    # -- ports and parameters ----------------------------------------------------------------------

    def ports(self, ports: _Node | None, scope: Declaration) -> None:
        """The ports in a header. One with only a name goes on with what the one before it said."""
        head = type_at = None
        for port in _nodes(ports):
            match port.kind:
                case _Kind.ImplicitAnsiPort:
                    own = self.span(port.header)
                    if own[1] > own[0]:
                        head, type_at = own, self._port_type(port.header, scope)
                    name = port.declarator.name
                    self.add(scope, "port", name, self.span(port.declarator), head, type_at)
                case _Kind.ExplicitAnsiPort:
                    head = self.span(port.direction) if port.direction else head
                    self.add(scope, "port", port.name, self.span(port), head)
                case _Kind.ExplicitNonAnsiPort:
                    self.add(scope, "port", port.name, self.span(port))
                case _Kind.ImplicitNonAnsiPort if port.expr.kind == _Kind.PortReference:
                    self.add(scope, "port", port.expr.name, self.span(port))

    def _port_type(self, header: _Node, scope: Declaration) -> int | None:
        if header.kind == _Kind.InterfacePortHeader:
            return self.span(header.nameOrKeyword)[0]
        return self.type(header.dataType, scope)

    def port_declaration(self, node: _Node, scope: Declaration) -> Declaration:
        """In a module it says what the ports of an old header are, and makes no others."""
        start, type_at = self.span(node.header)[0], self._port_type(node.header, scope)
        kind: Kind = "argument" if scope.kind in ("function", "task") else "signal"
        self.declarators(node.declarators, scope, kind, start, type_at)
        return scope

    def parameter(self, node: _Node, scope: Declaration) -> Declaration:
        local = node.keyword.kind == parsing.TokenKind.LocalParamKeyword
        type_at = None
        if node.kind == _Kind.ParameterDeclaration:
            type_at = self.type(node.type, scope)
        kind: Kind = "localparam" if local else "parameter"
        self.declarators(node.declarators, scope, kind, self.span(node)[0], type_at)
        return scope

    def parameter_statement(self, node: _Node, scope: Declaration) -> Declaration:
        return self.parameter(node.parameter, scope)

    # -- data, types and instances -----------------------------------------------------------------

    def data(self, node: _Node, scope: Declaration) -> Declaration:
        kind: Kind = "field" if scope.kind == "class" else "signal"
        type_at = self.type(node.type, scope)
        for one in self.declarators(node.declarators, scope, kind, self.span(node)[0], type_at):
            self.fields(node.type, one)
        return scope

    def genvar(self, node: _Node, scope: Declaration) -> Declaration:
        head = self.span(node.keyword)
        for name in _nodes(node.identifiers):
            self.add(scope, "genvar", name.identifier, self.span(name), head)
        return scope

    def typedef(self, node: _Node, scope: Declaration) -> Declaration:
        type_at = self.type(node.type, scope)
        one = self.add(scope, "typedef", node.name, self.span(node), None, type_at)
        self.fields(node.type, one)
        return scope

    def instances(self, node: _Node, scope: Declaration) -> Declaration:
        head = self.span(node.type)
        of_the_user = node.kind == _Kind.HierarchyInstantiation
        for one in _nodes(node.instances):
            if one.decl is not None:
                type_at = head[0] if of_the_user else None
                self.add(scope, "instance", one.decl.name, self.span(one), head, type_at)
        return scope

    def modport(self, node: _Node, scope: Declaration) -> Declaration:
        for item in _nodes(node.items):
            self.add(scope, "modport", item.name, self.span(item), self.span(node.keyword))
        return scope

    def property(self, node: _Node, scope: Declaration) -> Declaration:
        whole = self.span(node)
        self.add(scope, "property", node.name, whole, (whole[0], self.span(node.name)[0]))
        return scope

    def import_item(self, node: _Node, scope: Declaration) -> Declaration:
        scope.imports.append((node.package.valueText, node.item.valueText))
        return scope

    # -- blocks ------------------------------------------------------------------------------------

    def process(self, node: _Node, scope: Declaration) -> Declaration:
        start, end = self.span(node)
        head_end = self.span(node.keyword)[1]
        if node.statement.kind == _Kind.TimingControlStatement:
            head_end = self.span(node.statement.timingControl)[1]
        return self.add(scope, "process", None, (start, end), (start, head_end))

    def block(self, node: _Node, scope: Declaration) -> Declaration:
        generated = node.kind == _Kind.GenerateBlock
        clause = (node.beginName if generated else node.blockName) or node.label
        return self.add(scope, "block", clause and clause.name, self.span(node))

    def loop(self, node: _Node, scope: Declaration) -> Declaration:
        """A loop that declares its variable is a scope; another one is none."""
        match node.kind:
            case _Kind.LoopGenerate if node.genvar.kind == parsing.TokenKind.GenVarKeyword:
                inner = self.add(scope, "loop", None, self.span(node))
                head = self.span(node.genvar)
                self.add(inner, "genvar", node.identifier, self.span(node.identifier), head)
                return inner
            case _Kind.ForeachLoopStatement:
                inner = self.add(scope, "loop", None, self.span(node))
                for name in _nodes(node.loopList.loopVariables):
                    if name.kind == _Kind.IdentifierName:
                        self.add(inner, "signal", name.identifier, self.span(name))
                return inner
            case _Kind.ForLoopStatement:
                return self._for(node, scope)
        return scope

    def _for(self, node: _Node, scope: Declaration) -> Declaration:
        variables = [
            one for one in _nodes(node.initializers) if one.kind == _Kind.ForVariableDeclaration
        ]
        if not variables:
            return scope
        inner = self.add(scope, "loop", None, self.span(node))
        for one in variables:
            whole = self.span(one.declarator)
            head = (self.span(one)[0], whole[0])
            self.add(inner, "signal", one.declarator.name, whole, head, self.type(one.type, inner))
        return inner


_REDECLARES: frozenset[Kind] = frozenset({"argument", "signal"})

_UNITS: dict[syntax.SyntaxKind, Kind] = {
    _Kind.ModuleDeclaration: "module",
    _Kind.InterfaceDeclaration: "interface",
    _Kind.ProgramDeclaration: "program",
    _Kind.PackageDeclaration: "package",
}

_DECLARES: dict[syntax.SyntaxKind, Callable[[_Builder, _Node, Declaration], Declaration]] = {
    **dict.fromkeys(_UNITS, _Builder.unit),
    _Kind.UdpDeclaration: _Builder.primitive,
    _Kind.ClassDeclaration: _Builder.class_,
    _Kind.FunctionDeclaration: _Builder.subroutine,
    _Kind.TaskDeclaration: _Builder.subroutine,
    _Kind.PortDeclaration: _Builder.port_declaration,
    _Kind.ParameterDeclarationStatement: _Builder.parameter_statement,
    _Kind.NetDeclaration: _Builder.data,
    _Kind.DataDeclaration: _Builder.data,
    _Kind.GenvarDeclaration: _Builder.genvar,
    _Kind.TypedefDeclaration: _Builder.typedef,
    _Kind.HierarchyInstantiation: _Builder.instances,
    _Kind.PrimitiveInstantiation: _Builder.instances,
    _Kind.ModportDeclaration: _Builder.modport,
    _Kind.PropertyDeclaration: _Builder.property,
    _Kind.SequenceDeclaration: _Builder.property,
    _Kind.PackageImportItem: _Builder.import_item,
    _Kind.AlwaysBlock: _Builder.process,
    _Kind.AlwaysCombBlock: _Builder.process,
    _Kind.AlwaysFFBlock: _Builder.process,
    _Kind.AlwaysLatchBlock: _Builder.process,
    _Kind.InitialBlock: _Builder.process,
    _Kind.FinalBlock: _Builder.process,
    _Kind.GenerateBlock: _Builder.block,
    _Kind.SequentialBlockStatement: _Builder.block,
    _Kind.ParallelBlockStatement: _Builder.block,
    _Kind.LoopGenerate: _Builder.loop,
    _Kind.ForLoopStatement: _Builder.loop,
    _Kind.ForeachLoopStatement: _Builder.loop,
}

# What holds declarations further below. Expressions are not entered: they are most of a text.
_ENTERED = frozenset(
    {
        *_DECLARES,
        _Kind.PackageImportDeclaration,
        _Kind.ClassPropertyDeclaration,
        _Kind.ClassMethodDeclaration,
        _Kind.GenerateRegion,
        _Kind.IfGenerate,
        _Kind.ElseClause,
        _Kind.CaseGenerate,
        _Kind.StandardCaseItem,
        _Kind.DefaultCaseItem,
        _Kind.TimingControlStatement,
        _Kind.ConditionalStatement,
        _Kind.CaseStatement,
        _Kind.LoopStatement,
        _Kind.ForeverStatement,
        _Kind.DoWhileStatement,
        _Kind.WaitStatement,
    }
)
