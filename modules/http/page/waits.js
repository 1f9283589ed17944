// Who waits for whom: a picture of the locks that are waited for, with deadlocks.

export const mostKeys = 40;
export const mostWaiters = 6;

function lockId(context, key) {
  return `key\n${context}\n${key}`;
}

// Returns nodes and arrows, owner -> key -> owner, of the locks that are waited for: those of
// deadlocks first, then those with the most waiters. `left`: what is not in the picture.
export function waitGraph(locks, deadlocks) {
  const inDeadlock = new Set();
  const waits = new Set();
  for (const { members } of deadlocks) {
    for (const { owner, context, key } of members) {
      inDeadlock.add(lockId(context, key));
      waits.add(`${owner}\n${lockId(context, key)}`);
    }
  }
  const dead = new Set(deadlocks.flatMap(({ members }) => members.map(({ owner }) => owner)));
  const waited = locks.filter(({ waiters }) => waiters.length !== 0);
  const rank = (lock) => (inDeadlock.has(lockId(lock.context, lock.key)) ? 1e9 : 0) +
    lock.waiters.length;
  const shown = [...waited].sort((a, b) => rank(b) - rank(a)).slice(0, mostKeys);

  const nodes = new Map();
  const arrows = [];
  const owner = (name) => {
    const id = `owner\n${name}`;
    // The picture has no room for "session 'client 7'".
    const text = /^session '(.*)'$/s.exec(name)?.[1] ?? name;
    nodes.set(id, { id, text, kind: "owner", tone: dead.has(name) ? "bad" : "" });
    return id;
  };
  let leftWaiters = 0;
  for (const { context, key, holders, waiters } of shown) {
    const id = lockId(context, key);
    const isDead = inDeadlock.has(id);
    nodes.set(id, { id, text: key, kind: "key", tone: isDead ? "bad" : "",
      lock: { context, key } });
    // Those of the deadlock are in the picture in any case.
    const first = waiters.filter((one) => waits.has(`${one.owner}\n${id}`));
    const rest = waiters.filter((one) => !first.includes(one));
    const some = [...first, ...rest.slice(0, Math.max(0, mostWaiters - first.length))];
    leftWaiters += waiters.length - some.length;
    for (const one of some) {
      arrows.push({ from: owner(one.owner), to: id, tone: first.includes(one) ? "bad" : "" });
    }
    for (const one of holders.slice(0, mostWaiters)) {
      const tone = isDead && dead.has(one.owner) ? "bad" : "";
      arrows.push({ from: id, to: owner(one.owner), tone });
    }
  }
  return {
    nodes: [...nodes.values()], arrows,
    left: { keys: waited.length - shown.length, waiters: leftWaiters },
  };
}
