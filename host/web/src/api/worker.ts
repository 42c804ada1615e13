// The shared worker that holds the stream of all tabs.
import { Hub, type FromHub, type ToHub } from "./hub";

const hub = new Hub();

addEventListener("connect", (e) => {
  const channel = (e as MessageEvent).ports[0];
  if (!channel) return;
  const port = { post: (message: FromHub) => channel.postMessage(message) };
  channel.onmessage = (m: MessageEvent<ToHub>) => hub.receive(port, m.data);
});
