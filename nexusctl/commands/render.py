"""`nexusctl render ENV`."""

import json
from argparse import Namespace

from nexusctl.commands.walk import Walk
from nexusctl.errors import Exit, UsageWrong
from nexusctl.render.render import render
from nexusctl.render.write import refuse_foreign, source_map_document, write, write_source_map
from nexusctl.workspace import shipped_assets


def run(arguments: Namespace) -> int:
    """Render into a directory, or the root's own files to the terminal, or all of it as JSON."""
    walk = Walk.begin(arguments)
    rendered = render(walk.environment, shipped_assets())
    if arguments.out:
        if arguments.out.exists() and not arguments.out.is_dir():
            raise UsageWrong(f"--out {arguments.out}: not a directory")
        arguments.out.mkdir(parents=True, exist_ok=True)
        refuse_foreign(arguments.out)
        write(rendered, arguments.out)
        write_source_map(rendered, arguments.out)
    if arguments.json:
        files = dict(sorted(rendered.files.items()))
        result = {"digest": rendered.digest, "files": files}
        print(json.dumps(result | {"source_map": source_map_document(rendered)}, indent=2))
    elif arguments.out:
        print(f"{len(rendered.files)} files in {arguments.out}")
    else:
        for name, text in sorted(rendered.files.items()):
            if "/" not in name and name.endswith(".tf"):
                print(f"# {name}\n{text}")
    return Exit.DONE
