// The tabs of a script's page. A new one is a file beside this and a line here.
import type { ComponentType } from "preact";
import type { Script } from "../../api/v1";
import type { Course } from "../../state/course";
import type { ParameterSet } from "../../state/parameters";
import { lookOf } from "../../state/states";
import { ArtifactsPanel } from "./artifacts";
import { ChangesPanel } from "./changes";
import { ChartsPanel } from "./charts";
import { LogsPanel } from "./logs";
import { MailboxPanel } from "./mailbox";
import { ParametersPanel } from "./parameters";
import { ResultsPanel } from "./results";

export interface TabProps {
  script: Script;
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

function Live({ script, course, parameters }: TabProps) {
  return (
    <div class="live">
      <div class="live-charts stack">{course && <ChartsPanel course={course} live={lookOf(script.state).live} />}</div>
      <ParametersPanel set={parameters} changes={course?.changes.value ?? []} />
    </div>
  );
}

export const tabs: Tab[] = [
  { id: "", title: "Charts and parameters", view: Live },
  { id: "logs", title: "Log", view: ({ script }) => <LogsPanel script={script.name} />, fill: true },
  { id: "results", title: "Results", view: ({ script, course }) => <ResultsPanel results={course?.results.value ?? []} live={lookOf(script.state).live} /> },
  { id: "changes", title: "Changes", view: ({ script, course, parameters }) => <ChangesPanel script={script.name} run={script.run} set={parameters} changes={course?.changes.value ?? []} /> },
  { id: "artifacts", title: "Artifacts", view: ({ script }) => <ArtifactsPanel script={script.name} run={script.run} live={lookOf(script.state).live} /> },
  { id: "mailbox", title: "Mailbox", view: ({ script }) => <MailboxPanel script={script.name} /> },
];
