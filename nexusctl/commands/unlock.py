"""`nexusctl unlock ENV`."""

from argparse import Namespace

from nexusctl.commands.auditing import audited
from nexusctl.commands.display import Display
from nexusctl.commands.explaining import since
from nexusctl.commands.planning import initialise
from nexusctl.commands.walk import Walk, insist_confirmed
from nexusctl.errors import Exit, Refused
from nexusctl.report.visible import one_line
from nexusctl.terraform.causes import StateLock
from nexusctl.terraform.running import holder
from nexusctl.terraform.terraform import Terraform


def run(arguments: Namespace) -> int:
    """Show who holds the state's lock, and release it once that was confirmed."""
    walk = Walk.begin(arguments)
    display = Display(quiet=True)
    name = walk.environment.name
    with walk.work.alone():
        rendered = walk.render(display)
        terraform = walk.terraform(display)
        lock = _held(walk, terraform)
        if lock is None:
            print(f"the state of {name} is not locked")
            return Exit.DONE
        found = holder(lock, walk.work.root)
        print(f"the state of {name} is locked")
        print(f"  by     {one_line(lock.who)}, {one_line(found.said)}")
        print(f"  since  {since(lock.created_at) if lock.created_at else one_line(lock.created)}")
        print(f"  for    {one_line(lock.doing)}")
        print(f"  ID     {one_line(lock.id)}", flush=True)
        what = f"the lock {lock.id} of {lock.who} ({lock.doing})"
        with audited(walk, "unlock", display, what=what) as audit:
            if found.lives:
                raise Refused(
                    "the lock was not released: the process that holds it is at work",
                    hint="wait until it has ended; to end it in good order, press Ctrl-C where it "
                    "runs or send it SIGINT once",
                )
            insist_confirmed(walk, "release it", walk.command("unlock"), assume_yes=arguments.yes)
            with walk.explained(rendered):
                initialise(terraform, rendered, display)
                audit.begun(terraform)
                terraform.force_unlock(lock.id)
            audit.done()
    after = "recover" if terraform.unsaved_state else "plan"
    print(f"released\nnext: {walk.command(after)}")
    return Exit.DONE


def _held(walk: Walk, terraform: Terraform) -> StateLock | None:
    from nexusctl.aws.session import session  # boto3 takes its time
    from nexusctl.aws.state_lock import held_lock

    settings = walk.environment.settings
    if settings.state.backend != "s3":
        return None  # the lock of a local state ends with the process that holds it
    with session(settings.aws, terraform.environment) as aws:
        return held_lock(aws, settings.state)
