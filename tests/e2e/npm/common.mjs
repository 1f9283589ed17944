// What all libraries are asked to do: locks, a transaction, and what they send without being asked.

// `client` has execute(words) and transaction(list of words), which give what lockd answers, and
// close().
export async function use(library, connect) {
    const port = Number(process.argv[2]);
    const first = await connect(port);
    const second = await connect(port);
    const told = { library };
    told.token = await first.execute(["LOCK", "key"]);
    told.exact = Number.isSafeInteger(told.token);
    told.again = await first.execute(["LOCK", "key"]);
    told.refused = await second.execute(["TRYLOCK", "key"]);
    const waiting = second.execute(["LOCK", "key", "TIMEOUT", "30"]);
    told.unlocked = await first.execute(["UNLOCK", "key"]);
    told.next = await waiting;
    told.transaction = await first.transaction([
        ["TRYLOCK", "key"], ["LOCK", "other"], ["UNLOCK", "other"], ["PING"]]);
    told.error = await first.execute(["LOCK", ""]).then(() => "none", error => error.message);
    told.info = await first.execute(["INFO", "replication"]);
    first.close();
    second.close();
    console.log(JSON.stringify(told));
}
