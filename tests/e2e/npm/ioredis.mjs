import { Redis } from "ioredis";

import { use } from "./common.mjs";

await use("ioredis", async port => {
    const client = new Redis({ port, connectionName: "ioredis", maxRetriesPerRequest: 0 });
    await new Promise((ready, failed) => client.once("ready", ready).once("error", failed));
    return {
        execute: words => client.call(...words),
        transaction: async list => {
            const multi = client.multi();
            for (const words of list) {
                multi.call(...words);
            }
            return (await multi.exec()).map(([error, answer]) => error ?? answer);
        },
        close: () => client.disconnect(),
    };
});
