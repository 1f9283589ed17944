// The workloads of the benchmarks with promises of Node; see tests/support/peer.h.
//
//     node node_peer.js WORKLOAD NUMBER...
'use strict';

// Processor time.
function seconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

// Waits until wake() is called.
class Bell {
  constructor() {
    this.rung = false;
    this.resolve = null;
  }
  wait() {
    if (this.rung) {
      this.rung = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.resolve = resolve;
    });
  }
  wake() {
    const resolve = this.resolve;
    if (resolve === null) {
      this.rung = true;
    } else {
      this.resolve = null;
      resolve();
    }
  }
}

async function answer(mine, other, count) {
  for (let i = 0; i < count; ++i) {
    await mine.wait();
    other.wake();
  }
}

// W4
async function wakeEachOther(hops) {
  const first = new Bell();
  const second = new Bell();
  const start = seconds();
  first.wake();
  await Promise.all([answer(first, second, hops / 2), answer(second, first, hops / 2)]);
  return (seconds() - start) / hops;
}

// A lock with a FIFO line of waiters.
class Lock {
  constructor() {
    this.held = false;
    this.waiting = [];
    this.first = 0;
  }
  acquire() {
    if (!this.held) {
      this.held = true;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.waiting.push(resolve));
  }
  release() {
    if (this.first < this.waiting.length) {
      this.waiting[this.first++]();
    } else {
      this.held = false;
    }
  }
}

// W1, W3
async function manyOnEachKey(keys, routines) {
  const counters = new Array(keys).fill(0);
  const locks = new Map();
  const increment = async (key) => {
    if (!locks.has(key)) {
      locks.set(key, new Lock());
    }
    const lock = locks.get(key);
    await lock.acquire();
    const before = counters[key];
    await null;
    counters[key] = before + 1;
    lock.release();
  };
  const start = seconds();
  const all = [];
  for (let i = 0; i < keys * routines; ++i) {
    all.push(increment(i % keys));
  }
  await Promise.all(all);
  const taken = seconds() - start;
  if (counters.some((counter) => counter !== routines)) {
    throw new Error('lost an update');
  }
  return taken / (keys * routines);
}

const workloads = { W1: manyOnEachKey, W3: manyOnEachKey, W4: wakeEachOther };

async function main() {
  const workload = workloads[process.argv[2]];
  const numbers = process.argv.slice(3).map(Number);
  await workload(...numbers); // warms up
  console.log('nanoseconds', 1e9 * (await workload(...numbers)));
}

main();
