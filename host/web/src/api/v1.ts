// Code generated from the API's document by TestDashboardTypesAreCurrent. DO NOT EDIT.

/** Whatever a script's value can be; NaN and infinities are strings. */
export type Value = null | boolean | number | string | Value[] | { [key: string]: Value };

export interface Acted {
  checkpoint?: string;
  pid: number | null;
  reloaded?: string;
  run: string;
  script: string;
  state: string;
}

export interface Allow {
  from: string[];
  name: string;
  to: string[];
  topics: string[];
}

export interface Artifact {
  found: string;
  kind: string;
  path: string;
  sha256: string;
  size: number;
}

export interface Artifacts {
  artifacts: Artifact[];
  run: string;
}

export interface Ask {
  data?: Value;
  timeout?: number;
  topic: string;
}

export interface Binary {
  from_step: number;
  sha256: string;
}

export interface BinaryData {
  from_step: number;
  sha256: string;
}

export interface Broadcast {
  id: string;
  recipients: string[];
}

export interface Bucket {
  count: number;
  first: Value;
  first_step: number | null;
  first_time: string;
  inf: number;
  last: Value;
  last_step: number | null;
  last_time: string;
  max: Value;
  mean: Value;
  min: Value;
  nan: number;
  neg_inf: number;
}

export interface Change {
  author: string;
  name: string;
  new: Value;
  old: Value;
  revision: number;
  status: string;
  step: number | null;
  time: string;
}

export interface Chart {
  buckets: Bucket[];
  name: string;
  rows_read: number;
  run: string;
}

export interface Check {
  detail: string;
  fix: string;
  name: string;
  status: string;
}

export interface CheckpointData {
  path: string;
  sha256: string;
  step: number | null;
}

export interface Checks {
  checks: Check[];
}

export interface ComparedChange {
  author: string;
  name: string;
  new: Value;
  old: Value;
  revision: number;
  run: string;
  status: string;
  step: number | null;
  time: string;
}

export interface ComparedRow {
  differs: boolean;
  name: string;
  values: Value[];
}

export interface ComparedRun {
  exit_code: number | null;
  id: string;
  script: string;
  started: string;
  state: string;
  took: number | null;
}

export interface Comparison {
  changes: ComparedChange[];
  packages: ComparedRow[];
  parameters: ComparedRow[];
  record: ComparedRow[];
  results: ComparedRow[];
  runs: ComparedRun[];
  series: ComparedRow[];
}

export interface ConfigStatus {
  pending: string[];
  problem: string;
  refused?: string;
  restart?: string[];
}

export interface DescribedData {
  parameters: string[];
  results: string[];
  topics: string[];
  variables: string[];
}

export interface Event {
  data: Value;
  id: number;
  kind: string;
  run: string;
  script: string;
  seq: number;
  time: string;
}

export interface GapData {
  code: string;
  dropped: number | null;
  from: number;
  kinds: string[];
  reason: string;
  since: string | null;
  to: number;
  until: string;
}

export interface History {
  before: number | null;
  events: Event[];
}

export interface Host {
  config: ConfigStatus;
  directory: string;
  listen: Listen;
  name: string;
  notices: string[];
  pid: number;
  started: string;
  version: string;
}

export interface Listen {
  connector: string;
  http: string;
}

export interface Log {
  level: string;
  partial: boolean;
  run: string;
  script: string;
  seq: number;
  stream: string;
  text: string;
  time: string;
}

export interface LogData {
  level: string;
  partial: boolean;
  stream: string;
  text: string;
}

export interface LogPage {
  lines: Log[];
  more: boolean;
  newer: string;
  older: string;
  run: string;
  script: string;
}

export interface Login {
  code: string;
}

export interface LoginCode {
  code: string;
  expires: string;
  url: string;
}

export interface Mailbox {
  messages: Message[];
  script: string;
}

export interface Message {
  data: Value;
  id: string;
  source: string;
  time: string;
  topic: string;
}

export interface MessageData {
  code: string;
  count: number;
  id: string;
  kind: string;
  problem: string;
  source: string;
  target: string;
  took: number;
  topic: string;
}

export interface NotifiedData {
  data: Value;
  event: string;
}

export interface ObservedData {
  name: string;
  overwritten: boolean;
  step: number | null;
  value: Value;
}

export interface Origin {
  file: string;
  line: number;
  style: string;
}

export interface Outcome {
  name: string;
  old: Value;
  reason: string;
  status: string;
  step: number | null;
  value: Value;
}

export interface Outcomes {
  outcomes: Outcome[];
  revision: number;
  script: string;
}

export interface Outline {
  allows: Record<string, Record<string, Value>>;
  host: Record<string, Value>;
  notify?: Record<string, Record<string, Value>>;
  routes: Record<string, Record<string, Value>>;
  scripts: Record<string, Record<string, Value>>;
}

export interface Overview {
  event: number;
  host: string;
  scripts: OverviewScript[];
}

export interface OverviewScript {
  managed: boolean;
  name: string;
  pid: number | null;
  plugin: string;
  plugin_pid: number | null;
  progress: Progress | null;
  reason: string;
  restarts: number;
  run: string;
  sha256: string;
  started: string | null;
  state: string;
  step: number | null;
  uptime: number | null;
  variables: Variable[];
}

export interface OwnerData {
  name: string;
  owner: string;
}

export interface Parameter {
  choices: Value[];
  confidence: string;
  default: Value;
  deprecated?: string;
  doc: string;
  max: Value;
  min: Value;
  mutability: string;
  name: string;
  next?: Value;
  origin: Origin;
  owner: string;
  scale: string;
  sensitive?: boolean;
  step: Value;
  type: string;
  unit: string;
  value: Value;
}

export interface ParameterChange {
  name: string;
  new: Value;
  old: Value;
  status: string;
  step: number | null;
}

export interface Parameters {
  parameters: Parameter[];
  revision: number;
  script: string;
}

export interface ParametersData {
  author: string;
  changes: ParameterChange[];
  revision: number;
}

export interface Plan {
  changes: PlannedChange[];
}

export interface PlannedAttribute {
  effect: string;
  new: Value;
  old: Value;
  path: string;
}

export interface PlannedChange {
  action: string;
  attributes: PlannedAttribute[];
  kind: string;
  name: string;
  reason: string;
  script: string;
}

export interface Problem {
  at?: string;
  code: string;
  detail: string;
  hint?: string;
  message: string;
  rejected?: Outcomes;
  status: number;
  title: string;
  type: string;
}

export interface Progress {
  done: number;
  eta: number | null;
  rate: number | null;
  total: number | null;
}

export interface RecordedData {
  keys: string[];
}

export interface Reply {
  reply: Value;
}

export interface Result {
  name: string;
  time: string;
  value: Value;
}

export interface ResultData {
  name: string;
  value: Value;
}

export interface Results {
  results: Result[];
  run: string;
  script: string;
}

export interface Route {
  cooldown: number;
  enabled: boolean;
  every: number;
  fired: number;
  from: RouteFrom;
  last: Value;
  last_set: string | null;
  min_change: number;
  name: string;
  on_nan: string;
  problem: string;
  seen: number;
  status: string;
  to: RouteTo;
  when: boolean;
  why: string;
  window: number;
}

export interface RouteData {
  problem: string;
  route: string;
  target: string;
  value: Value;
}

export interface RouteFrom {
  script: string;
  variable: string;
}

export interface RouteTo {
  parameter: string;
  script: string;
}

export interface Routes {
  allow: Allow[];
  default: string;
  routes: Route[];
  topics: TopicRoute[];
}

export interface Run {
  exit_code: number | null;
  finished: string | null;
  id: string;
  parameters: Record<string, Value>;
  results: Record<string, Value>;
  script: string;
  started: string;
  state: string;
}

export interface RunData {
  attempt: number;
  command: string[];
  parameters: Record<string, Value>;
  plugin: string;
  revision: number;
  sha256: string;
}

export interface RunDetail {
  artifacts: Artifact[];
  binaries: Binary[];
  changes: Change[];
  exit_code: number | null;
  finished: string | null;
  id: string;
  parameters: Record<string, Value>;
  reason: string;
  record: Record<string, Value>;
  results: Record<string, Value>;
  samples?: Record<string, Value[][]>;
  script: string;
  series: Series[];
  started: string;
  state: string;
}

export interface RunText {
  name: string;
  run: string;
  text: string;
}

export interface Runs {
  removed?: number;
  runs: Run[];
}

export interface Sample {
  name: string;
  step: number | null;
  time: string;
  type: string;
  value: Value;
}

export interface Samples {
  name: string;
  run: string;
  samples: Value[][];
}

export interface SamplesData {
  samples: Sample[];
}

export interface Scanned {
  scripts: string[];
}

export interface Script {
  managed: boolean;
  name: string;
  pid: number | null;
  plugin: string;
  plugin_pid: number | null;
  progress: Progress | null;
  reason: string;
  restarts: number;
  run: string;
  sha256: string;
  started: string | null;
  state: string;
  step: number | null;
  uptime: number | null;
}

export interface ScriptChange {
  author: string;
  name: string;
  new: Value;
  old: Value;
  revision: number;
  run: string;
  status: string;
  step: number | null;
  time: string;
}

export interface ScriptChanges {
  changes: ScriptChange[];
  script: string;
}

export interface Scripts {
  host: string;
  scripts: Script[];
}

export interface Series {
  count: number;
  last: Value;
  name: string;
}

export interface Session {
  expires: string;
  token: string;
}

export interface Set {
  at_step?: number;
  id?: string;
  if_revision?: number;
  take?: boolean;
  texts?: Record<string, string>;
  values?: Record<string, Value>;
}

export interface StateData {
  exit_code: number | null;
  pid: number | null;
  plugin_pid: number | null;
  reason: string;
  state: string;
}

export interface StepData {
  step: number;
}

export interface Tell {
  data?: Value;
  topic: string;
}

export interface Told {
  id: string;
}

export interface Topic {
  answers: boolean;
  doc: string;
  name: string;
  script: string;
}

export interface TopicRoute {
  enabled: boolean;
  from: string[];
  name: string;
  to: string[];
  topic: string;
}

export interface Topics {
  topics: Topic[];
  traffic: Traffic[];
}

export interface Traffic {
  count: number;
  failed: number;
  kind: string;
  last: string;
  problem: string;
  source: string;
  target: string;
  took: number;
  topic: string;
}

export interface Upgrade {
  path: string;
}

export interface Upgraded {
  from: string;
  to: string;
}

export interface Variable {
  name: string;
  read_only: boolean;
  step: number | null;
  time: string | null;
  type: string;
  value: Value;
}

export interface Variables {
  run: string;
  script: string;
  variables: Variable[];
}

export interface Version {
  commit: string;
  go: string;
  version: string;
}

export interface WarningData {
  text: string;
}
