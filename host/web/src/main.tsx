import "./lib/locale";
import { render } from "preact";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/components.css";
import "./styles/shell.css";
import "./styles/scripts.css";
import "uplot/dist/uPlot.min.css";
import "./styles/chart.css";
import "./styles/script.css";
import { openSession } from "./api/session";
import { App } from "./app";
import { startClock } from "./lib/clock";
import { watchRoute } from "./lib/router";
import { watchTheme } from "./lib/theme";
import { watchHealth } from "./state/health";
import { startLive } from "./state/live";
import { startScripts } from "./state/scripts";

watchTheme();
watchRoute();
startClock();
startLive();
startScripts();
watchHealth();
void openSession();

const root = document.getElementById("app");
if (root) render(<App />, root);
