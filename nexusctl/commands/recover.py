"""`nexusctl recover ENV`."""

from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path

from nexusctl.commands.auditing import audited
from nexusctl.commands.display import Display
from nexusctl.commands.planning import initialise
from nexusctl.commands.walk import Walk, insist_confirmed
from nexusctl.errors import Exit, Refused, TerraformFailed
from nexusctl.render.rendered import Rendered
from nexusctl.report.visible import one_line
from nexusctl.terraform.state import StateContents, parse_state
from nexusctl.terraform.terraform import Terraform


def run(arguments: Namespace) -> int:
    """Save a state that Terraform could not save, or set it aside."""
    walk = Walk.begin(arguments)
    display = Display(quiet=True)
    with walk.work.alone():
        rendered = walk.render(display)
        terraform = walk.terraform(display)
        file = terraform.unsaved_state
        if file is None:
            print(f"nothing to recover: the state of {walk.environment.name} is saved")
            return Exit.DONE
        if arguments.set_aside:
            print(f"set aside as {_set_aside(walk, file)}; it was not saved")
        else:
            _save(walk, terraform, rendered, file, display, assume_yes=arguments.yes)
    print(f"next: {walk.command('plan')}")
    return Exit.DONE


def _save(
    walk: Walk,
    terraform: Terraform,
    rendered: Rendered,
    file: Path,
    display: Display,
    *,
    assume_yes: bool,
) -> None:
    unsaved = _read(walk, file)
    with walk.explained(rendered):
        initialise(terraform, rendered, display)
        saved = terraform.state()
    print(f"not saved  {unsaved.version}, {len(unsaved.addresses)} resources  ({file})")
    print(f"the state  {saved.version}, {len(saved.addresses)} resources")
    for sign, addresses in (
        ("+", unsaved.addresses - saved.addresses),
        ("-", saved.addresses - unsaved.addresses),
    ):
        for address in sorted(addresses):
            print(f"  {sign} {one_line(address)}")
    with audited(walk, "recover", display, what=f"the state with {unsaved.version}") as audit:
        _insist_later(walk, unsaved, saved)
        insist_confirmed(walk, "save it", walk.command("recover"), assume_yes=assume_yes)
        audit.begun(terraform)
        with walk.explained(rendered):
            terraform.push_state(file)
            saved = terraform.state()
        if saved.addresses != unsaved.addresses:
            raise TerraformFailed(
                f"the state does not hold what was saved; {file} is kept",
                hint=f"compare it: {walk.command('terraform')} -- state list",
            )
        terraform.discard_unsaved_state()
        audit.done()
    print("saved: the state knows all of it")


def _read(walk: Walk, file: Path) -> StateContents:
    try:
        return parse_state(file.read_bytes())
    except (ValueError, KeyError, TypeError):
        raise Refused(f"{file} is no state, or not all of one", hint=_aside(walk)) from None


def _insist_later(walk: Walk, unsaved: StateContents, saved: StateContents) -> None:
    """Make sure that nothing was saved since by somebody else, which saving it would undo."""
    if not saved.version.lineage:
        return
    if saved.version.lineage != unsaved.version.lineage:
        raise Refused("the state is another one by now: it began anew", hint=_aside(walk))
    if saved.version.serial > unsaved.version.serial:
        raise Refused("the state was written by somebody else since", hint=_aside(walk))


def _aside(walk: Walk) -> str:
    return (
        f"set the file aside: {walk.command('recover')} --set-aside\n"
        f"       then bring in what exists and the state does not know (+): "
        f"{walk.command('terraform')} -- import ADDRESS ID"
    )


def _set_aside(walk: Walk, file: Path) -> Path:
    file.chmod(0o600)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return file.rename(walk.work.path / f"{file.stem}-{stamp}{file.suffix}")
