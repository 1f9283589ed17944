"""Fencing tokens of lockd grow across restarts, with the settings that it is shipped with."""

import os
import shutil
import signal
import unittest

from lockd import LIMIT, Lockd, main


class FencingTokens(unittest.TestCase):
    def test_a_token_is_larger_after_each_restart(self):
        for name, more, state_is_lost in [
                ("as shipped", {}, False), ("the state was lost", {}, True),
                ("without a state folder", {"module": {"lock": {"state_dir": ""}}}, False)]:
            with self.subTest(name):
                lockd = Lockd(more)
                last = 0
                for _ in range(3):
                    with lockd, lockd.connect() as client:
                        for _ in range(3):
                            token = client.token("LOCK key")
                            self.assertGreater(token, last)
                            last = token
                            client.ask("UNLOCK key")
                        # As after a crash. What `with` would clean up is kept for the next run.
                        lockd.process.send_signal(signal.SIGKILL)
                        lockd.process.wait(LIMIT)
                        folder, lockd.folder = lockd.folder, Keeper()
                        lockd.process.returncode = 0
                    lockd.folder = folder
                    lockd.log.clear()
                    if state_is_lost:
                        shutil.rmtree(os.path.join(folder.name, "state"))
                self.assertLess(last, 2 ** 53)  # JavaScript has no larger integers
                folder.cleanup()

    def test_tokens_are_reserved_in_the_state_folder_of_the_user(self):
        with Lockd() as lockd, lockd.connect() as client:
            token = client.token("LOCK key")
            file = os.path.join(lockd.folder.name, "state", "weir", "fencing")
            with open(file, encoding="ascii") as state:
                self.assertGreater(int(state.read().split()[1]), token)

    def test_where_the_state_folder_cannot_be_used_the_log_says_so_and_the_clock_is_used(self):
        lockd = Lockd()
        with open(os.path.join(lockd.folder.name, "state"), "w", encoding="ascii"):
            pass
        no_folder = Lockd(environment={"XDG_STATE_HOME": "", "HOME": ""})
        for one in lockd, no_folder:
            with one, one.connect() as client:
                one.wait_for_log("warning .*as long as the clock is not set back")
                self.assertGreater(client.token("LOCK key"), 10 ** 15)


class Keeper:
    """Stands for the folder that a server may not remove yet."""

    def cleanup(self):
        pass


if __name__ == "__main__":
    main()
