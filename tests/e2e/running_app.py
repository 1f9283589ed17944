"""What the tests of apps share: weir with an app's file, in a folder of the test."""

import os
import subprocess
import tempfile
import threading

from lockd import LIMIT, program


class RunningApp:
    """The folder, and the process, which may be launched again. `log` has the lines of its log."""

    def __init__(self, name):
        self.folder = tempfile.TemporaryDirectory(prefix=f"{name}-test-")

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def launch(self, *files, **environment):
        self.process = subprocess.Popen([program("weir"), "run", *files],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True, env={**os.environ, **environment},
                                        cwd=self.folder.name)
        self.log = []
        self.reader = threading.Thread(target=lambda: self.log.extend(self.process.stderr),
                                       daemon=True)
        self.reader.start()

    def kill(self):
        self.process.kill()
        self.process.wait(LIMIT)
        self.reader.join(LIMIT)

    def __exit__(self, *_):
        """Requires that the process ends well when it is told to."""
        self.process.terminate()
        try:
            code = self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.kill()
            code = "none"
        self.reader.join(LIMIT)
        self.folder.cleanup()
        if code != 0:
            raise AssertionError(f"exit code {code}:\n{''.join(self.log)}")
