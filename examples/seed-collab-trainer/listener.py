"""Fetches what other scripts broadcast, and keeps the last loss."""

import sys
import time

from script_interface import ScriptInterface


class Listener(ScriptInterface):
    def __init__(self):
        super().__init__("listener", "Follows a training")
        self.register_parameter("updates", 10, range(1, 1001))
        self.register_variable("loss", 0.0)

    def run(self):
        updates = 0
        while self.running and updates < self.get_parameter("updates"):
            response = self.send_to_connector({
                "command": "get_collaborations",
                "script_name": self.script_name
            })
            if "error" in response:
                self.logger.error("no messages: %s", response["error"])
                return
            for request in response.get("requests", []):
                data = request["data"]
                print(f"{request['source']}: epoch {data['epoch']}, loss {data['loss']:.4f}")
                self.set_variable("loss", data["loss"])
                updates += 1
            time.sleep(0.02)
        self.update_results("updates", updates)
        self.update_results("last_loss", self.get_variable("loss"))


if __name__ == "__main__":
    script = Listener()
    if "--with-connector" in sys.argv:
        script.run_with_connector()
    else:
        script.run()
