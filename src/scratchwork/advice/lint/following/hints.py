"""What the name of a function says of it, where nothing else is known: names that people give, found in real code."""

from __future__ import annotations

import re

REMOVES = re.compile(
    r"_*(?:\w+_|safe|force|try|quietly|send2)?(?:removed?|trash|remover|unlink|rmtree|rm|rmdir|deleter?|del|clean|cleaner|cleanup|destroy|discard|dispose|purge"
    r"|wipe|shred|teardown)"
    r"(?:_\w+|s|dir|folder|directory|file|files|tree|path|all)?",
    re.IGNORECASE,
)
"""Functions that remove what they are given."""

TAKES_OVER = re.compile(
    r"(?:\w+_)?(?:append|add|register|push|put|defer|track|own|keep|insert|extend|setattr|setdefault|update|callback"
    r"|finalize|finalizer|addfinalizer|addcleanup|addclasscleanup|enter_context|store|save|move|rename|replace|publish"
    r"|set_result|send|emit|partial)(?:_\w+)?",
    re.IGNORECASE,
)
"""Functions after which somebody else answers for what they were given."""

MOVES = re.compile(r"(?:\w+_)?(?:move|mv|rename|replace|publish|install|commit)(?:_\w+)?", re.IGNORECASE)
"""Functions that bring what they are given to its place."""

OWNS = re.compile(r"temp|tmp|clean|registry|manager|stack", re.IGNORECASE)
"""What a function is called on, where that answers for what it is given."""

CONVERTS = re.compile(
    r"(?:\w+\.)*(?:(?:to|as|ensure|force|normalize|safe|native|make)_?(?:\w*_)?(?:bytes|text|str|string|unicode|native|path|posix)"
    r"|cast|b|u|\w*quote|\w*encode|\w*decode|realpath|abspath|long_path|short_path)"
)
"""Functions that give back their argument in another form."""

OF_UNITTEST = re.compile(r"(?:self|cls)\.(?:assert\w*|addCleanup|addClassCleanup|fail|skipTest|subTest|id)")
"""Methods of a test case that leave its attributes alone."""

HARMLESS = re.compile(
    r"(?:\w+\.)*(?:len|str|repr|print|isinstance|issubclass|hasattr|bool|int|list|tuple|dict|set|type|range|format|id"
    r"|basename|dirname|abspath|normpath|splitext|exists|isfile|isdir|getpid|time|monotonic|perf_counter|startswith"
    r"|endswith|replace|strip|rstrip|lstrip|split|join|encode|lower|upper|getLogger|debug|info|warning|error|exception"
    r"|close|flush|get|append|items|keys|values|Path|PurePath|fspath|as_posix|with_suffix|gettempdir|suppress"
    r"|register|callback|addCleanup|addfinalizer|finalize|partial|resolve|absolute|bytes|bytearray|BytesIO|StringIO|dedent|sorted|zip|enumerate|min|max|sum|super)"
)
"""Functions that raise nothing, for our purposes."""

NEUTRAL = re.compile(
    r"(?:\w+\.)*(?:print|debug|info|warning|warn|error|exception|critical|log|append|add|format|join|str|repr|len|isinstance"
    r"|startswith|endswith|assert\w*|basename|dirname|split|splitext|exists|is_file|is_dir|isfile|isdir|islink|lexists|relpath"
    r"|commonprefix|write|echo|bool|hash|id|encode|replace|quote|dict|list|tuple|set|sorted|chmod|chown|touch|getattr|setattr"
    r"|type|as_posix|index|count|update|put|extend|insert|raises|fnmatch|match|search|sub|compile|escape|register)"
)
"""Functions that open nothing by the path that they are given."""
