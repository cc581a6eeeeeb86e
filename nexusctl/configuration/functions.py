"""Terraform's functions by name, and how much of their arguments each has to know."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from nexusctl.configuration import collection_functions as collection
from nexusctl.configuration import encoding_functions as encoding
from nexusctl.configuration import number_functions as numbers
from nexusctl.configuration import text_functions as text
from nexusctl.configuration.choices import choice, result
from nexusctl.configuration.values import Undecided, Unknown, is_known, references

Function = Callable[..., object]

# Everything that is in the arguments has to be known.
_OF_KNOWN: Mapping[str, Function] = {
    "abs": numbers.abs_,
    "base64decode": encoding.base64decode,
    "ceil": numbers.ceil,
    "chomp": text.chomp,
    "cidrhost": numbers.cidrhost,
    "cidrnetmask": numbers.cidrnetmask,
    "cidrsubnet": numbers.cidrsubnet,
    "cidrsubnets": numbers.cidrsubnets,
    "compact": collection.compact,
    "endswith": text.endswith,
    "floor": numbers.floor,
    "indent": text.indent,
    "jsondecode": encoding.jsondecode,
    "lower": text.lower,
    "max": numbers.max_,
    "min": numbers.min_,
    "parseint": numbers.parseint,
    "range": numbers.range_,
    "regex": text.regex,
    "regexall": text.regexall,
    "replace": text.replace,
    "setintersection": collection.setintersection,
    "setsubtract": collection.setsubtract,
    "setunion": collection.setunion,
    "sort": text.sort,
    "split": text.split,
    "startswith": text.startswith,
    "strcontains": text.strcontains,
    "strrev": text.strrev,
    "substr": text.substr,
    "sum": numbers.sum_,
    "title": text.title,
    "trim": text.trim,
    "trimprefix": text.trimprefix,
    "trimspace": text.trimspace,
    "trimsuffix": text.trimsuffix,
    "upper": text.upper,
    "urlencode": encoding.urlencode,
}
# The arguments have to be known, but not what is in them.
_OF_SHAPES: Mapping[str, Function] = {
    "alltrue": collection.alltrue,
    "anytrue": collection.anytrue,
    "chunklist": collection.chunklist,
    "concat": collection.concat,
    "distinct": collection.distinct,
    "element": collection.element,
    "flatten": collection.flatten,
    "index": collection.index,
    "keys": collection.keys,
    "length": collection.length,
    "lookup": collection.lookup,
    "merge": collection.merge,
    "one": collection.one,
    "reverse": collection.reverse,
    "setproduct": collection.setproduct,
    "slice": collection.slice_,
    "tolist": collection.tolist,
    "tomap": collection.tomap,
    "toset": collection.toset,
    "values": collection.values_,
    "zipmap": collection.zipmap,
}
# These deal with what is unknown themselves.
_OF_ANYTHING: Mapping[str, Function] = {
    "base64encode": encoding.base64encode,
    "base64gzip": encoding.base64gzip,
    "coalesce": collection.coalesce,
    "coalescelist": collection.coalescelist,
    "contains": collection.contains,
    "format": text.format_,
    "formatlist": text.formatlist,
    "join": text.join,
    "jsonencode": encoding.jsonencode,
    "nonsensitive": collection.same_value,
    "sensitive": collection.same_value,
    "tobool": collection.tobool,
    "tonumber": collection.tonumber,
    "tostring": collection.tostring,
}


def call(name: str, arguments: Sequence[object]) -> object:
    """What a function gives; unknown, with all that the arguments rest on, when that is not known.

    Raises:
        Failed: Terraform would certainly refuse.
    """
    name = name.removeprefix("core::")
    function = _OF_ANYTHING.get(name)
    if function is None and not any(isinstance(value, Unknown) for value in arguments):
        function = _OF_SHAPES.get(name)
        if function is None and all(is_known(value) for value in arguments):
            function = _OF_KNOWN.get(name)
    found: object = Unknown(references(*arguments))
    # The latter: too few arguments, or some that only Terraform can make sense of.
    with suppress(Undecided, TypeError, ValueError, OverflowError, RecursionError):
        found = function(*arguments) if function else found
    if type(found) is Unknown and not found.options:
        return choice(found.references, result(name, list(arguments)))
    return found
