// This tab's line to the hub.
import { Hub, type FromHub, type ToHub } from "./hub";
import workerURL from "./worker?sharedworker&url";

export interface Link {
  tell(message: ToHub): void;
}

/** Joins the hub of this browser. The tab says goodbye when it is left. */
export function join(receive: (message: FromHub) => void): Link {
  const worker = startWorker();
  if (worker) {
    worker.port.onmessage = (e: MessageEvent<FromHub>) => receive(e.data);
    return { tell: (message) => worker.port.postMessage(message) };
  }
  const hub = new Hub();
  const port = { post: receive };
  return { tell: (message) => hub.receive(port, message) };
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): { createScriptURL(url: string): string };
}

/** Our own file is the one script that is ever started by its address. */
function trusted(url: string): string {
  const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  if (!types) return url;
  return types
    .createPolicy("mlhost", {
      createScriptURL: (asked) => {
        if (asked !== workerURL) throw new TypeError("not a script of ours");
        return asked;
      },
    })
    .createScriptURL(url);
}

function startWorker(): SharedWorker | null {
  if (typeof SharedWorker === "undefined") return null;
  try {
    return new SharedWorker(trusted(workerURL), { type: "module", name: "mlhost" });
  } catch {
    return null; // not allowed here, as in some private windows
  }
}
