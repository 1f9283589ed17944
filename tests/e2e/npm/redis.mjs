import { createClient } from "redis";

import { use } from "./common.mjs";

await use("redis", async port => {
    const client = await createClient({ socket: { port }, name: "node-redis" }).connect();
    return {
        execute: words => client.sendCommand(words),
        transaction: list => list.reduce((multi, words) => multi.addCommand(words),
                                         client.multi()).exec(),
        close: () => client.destroy(),
    };
});
