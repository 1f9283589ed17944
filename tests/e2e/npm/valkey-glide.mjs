import { Batch, GlideClient } from "@valkey/valkey-glide";

import { use } from "./common.mjs";

await use("@valkey/valkey-glide", async port => {
    const client = await GlideClient.createClient({
        addresses: [{ host: "127.0.0.1", port }], clientName: "glide", requestTimeout: 40000 });
    return {
        execute: words => client.customCommand(words),
        transaction: list => client.exec(
            list.reduce((batch, words) => batch.customCommand(words), new Batch(true)), true),
        close: () => client.close(),
    };
});
