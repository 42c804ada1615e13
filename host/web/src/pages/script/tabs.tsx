// The tabs of a script's page. A new one is a file beside this and a line here.
import type { ComponentType } from "preact";
import { Empty } from "../../components/basics";
import type { Course } from "../../state/course";
import type { ParameterSet } from "../../state/parameters";
import { ArtifactsPanel } from "./artifacts";
import { ChangesPanel } from "./changes";
import { ChartsPanel } from "./charts";
import { LogsPanel } from "./logs";
import { MailboxPanel } from "./mailbox";
import { ParametersPanel } from "./parameters";
import { ResultsPanel } from "./results";

export interface TabProps {
  name: string;
  /** Its present run, or its last; "": it has never run. */
  run: string;
  /** Whether there is a process. */
  live: boolean;
  /** What its run has measured; null: it has never run. */
  course: Course | null;
  parameters: ParameterSet;
}

export interface Tab {
  id: string;
  title: string;
  view: ComponentType<TabProps>;
  /** It fills the height of the page and scrolls by itself. */
  fill?: boolean;
}

function Live({ course, parameters, live }: TabProps) {
  return (
    <div class="live">
      <div class="live-charts stack">{course ? <ChartsPanel key={course.run} course={course} live={live} /> : <NeverRun />}</div>
      <ParametersPanel set={parameters} changes={course?.changes.value ?? []} />
    </div>
  );
}

function NeverRun() {
  return (
    <div class="card">
      <Empty icon="play" title="This script has not run yet">
        Its charts will stand here. What is set now is used when it starts.
      </Empty>
    </div>
  );
}

export const tabs: Tab[] = [
  { id: "", title: "Charts and parameters", view: Live },
  { id: "logs", title: "Log", view: ({ name }) => <LogsPanel script={name} />, fill: true },
  { id: "results", title: "Results", view: ({ course, live }) => <ResultsPanel results={course?.results.value ?? []} live={live} /> },
  { id: "changes", title: "Changes", view: ({ name, run, course, parameters }) => <ChangesPanel script={name} run={run} set={parameters} changes={course?.changes.value ?? []} /> },
  { id: "artifacts", title: "Artifacts", view: ({ name, run, live }) => <ArtifactsPanel script={name} run={run} live={live} /> },
  { id: "mailbox", title: "Mailbox", view: ({ name }) => <MailboxPanel script={name} /> },
];
