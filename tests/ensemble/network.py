"""Machines of a network, on this machine: namespaces of the kernel, joined by a bridge.

Packets between them can be dropped where they arrive, silently, as a broken network does, and can
be late. Needs util-linux, iproute2 and nftables, and root or the right to make user namespaces:
enter() makes another network for the whole program, so that nothing is left behind and nothing else
is touched.
"""

import os
import shutil
import subprocess
import sys

ENTERED = "WEIR_ENSEMBLE_NETWORK"
TOOLS = ("unshare", "nsenter", "ip", "nft", "tc")
TABLE = """
table ip faults {
    chain arriving {
        type filter hook input priority 0; policy accept;
    }
}
"""


def enter():
    """Runs the program anew in a network of its own, if that can be made. Returns whether it is in
    one."""
    if os.environ.get(ENTERED):
        return True
    if not all(shutil.which(tool) for tool in TOOLS):
        return False
    into = ["unshare", "--net", "--mount"]
    if os.geteuid() != 0:
        into += ["--user", "--map-root-user"]
    tried = subprocess.run([*into, "ip", "link", "add", "br0", "type", "bridge"], check=False,
                           stderr=subprocess.DEVNULL)
    if tried.returncode != 0:
        return False
    os.environ[ENTERED] = "1"
    os.execvp("unshare", [*into, sys.executable, "-B", *sys.argv])


def run(*command, text=None):
    subprocess.run(command, check=True, input=text, text=True)


class Machine:
    """A part of the network. `before` stands before the command of a process that runs on it."""

    def __init__(self, name, number):
        self.name = name
        self.host = f"10.213.0.{number}"
        # It keeps the namespace, and ends with this program, whose end closes its input.
        self.keeper = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec cat"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.keeper.stdout.readline()
        self.before = ["nsenter", f"--net=/proc/{self.keeper.pid}/ns/net", "--"]
        port = f"port{number}"
        run("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns",
            str(self.keeper.pid))
        run("ip", "link", "set", port, "master", "br0", "up")
        self.run("ip", "address", "add", f"{self.host}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            self.run("ip", "link", "set", device, "up")
        self.run("nft", "-f", "-", text=TABLE)

    def run(self, *command, text=None):
        run(*self.before, *command, text=text)

    def drop(self, senders, share=100):
        """From now on drops so many of a hundred packets that come from these machines."""
        hosts = ", ".join(sender.host for sender in senders)
        some = "" if share == 100 else f"numgen random mod 100 < {share} "
        self.run("nft", f"add rule ip faults arriving ip saddr {{ {hosts} }} {some}drop")

    def delay(self, kilobits):
        """From now on sends so many kilobits a second: packets wait for those before them, and are
        dropped after 2 s."""
        self.run("tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", f"{kilobits}kbit",
                 "burst", "3000", "latency", "2s")

    def heal(self):
        """Ends all that drop() has begun here."""
        self.run("nft", "flush", "chain", "ip", "faults", "arriving")

    def hurry(self):
        """Ends what delay() has begun."""
        self.run("tc", "qdisc", "del", "dev", "eth0", "root")

    def close(self):
        self.keeper.stdin.close()
        self.keeper.wait()


class Network:
    """Machines by name. This program is on a machine of its own, which is never cut off."""

    def __init__(self, names):
        run("ip", "link", "add", "br0", "type", "bridge")
        run("ip", "address", "add", "10.213.0.254/24", "dev", "br0")
        for device in ("lo", "br0"):
            run("ip", "link", "set", device, "up")
        self.machines = {name: Machine(name, number) for number, name in enumerate(names, 1)}

    def __getitem__(self, name):
        return self.machines[name]

    def close(self):
        for machine in self.machines.values():
            machine.close()


def cut(these, from_those, ways="both"):
    """Cuts machines off from others: what these send, what they would receive, or both."""
    if ways != "in":
        for machine in from_those:
            machine.drop(these)
    if ways != "out":
        for machine in these:
            machine.drop(from_those)
