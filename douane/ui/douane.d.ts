/** Types of `window.douane`, of the module `douane.js` and of `<douane-import>`. */

export interface ImportOptions {
  /** The template's id. Without it the person chooses among the project's. */
  template?: string;
  /**
   * An import token (`POST /v1/token`), or the project's access key. A function is asked at the start, and again where its
   * token has ended before the person is done: for the import that was begun then, if one was.
   */
  token?: string | ((import_: { uploadId?: string }) => string | Promise<string>);
  /** The project's id; told by the token where it is left out. */
  project?: string;
  title?: string;
  /** `en`, `de`, `es`, `fr`, `ar`; else the person's own language, where it is there. */
  locale?: string;
  colorScheme?: "light" | "dark";
  primaryColor?: string;
  appearance?: Appearance;
  /** Columns of this import alone. */
  schema?: Column[] | string;
  output?: object | string;
  /** Given back with the delivery. */
  extra?: string | object;
  authHeaderValue?: string | (() => string | Promise<string>);
  /** Replaces texts, by section and key. */
  texts?: Record<string, Record<string, string>> | string;
  config?: Partial<Record<"hideFindAndReplaceButton" | "hideDeleteButton" | "hideCheckBox" | "hideSrNo" | "hideDownloadSampleButton", boolean>>;
  maxRecords?: number;
  /** A file to begin with, as if the person had dropped it. */
  file?: File;
  /** How its file is read, where the page knows better than the file shows. */
  reading?: Partial<Record<"selectedSheetName" | "headerLine" | "encoding" | "delimiter" | "quote", string>>;
  /** An import to go on with. */
  uploadId?: string;
  sampleFile?: Blob;
  /** Seed rows of the sample. */
  data?: Record<string, unknown>[] | string;
  /** False: the rows are not handed over to the page; `rows.upload` says what was accepted. */
  rows?: boolean;
  /** Each event as it happens: `UPLOAD_STARTED`, `UPLOAD_COMPLETED` … */
  onEvent?: (event: { type: string; value?: unknown }) => void;
  signal?: AbortSignal;
}

export interface Column {
  key: string;
  name: string;
  type?: string;
  description?: string;
  alternateKeys?: string[];
  isRequired?: boolean;
  isUnique?: boolean;
  isFrozen?: boolean;
  defaultValue?: string;
  selectValues?: string[];
  dateFormats?: string[];
  regex?: string;
  allowMultiSelect?: boolean;
  delimiter?: string;
  validations?: object[];
}

export interface Appearance {
  widget?: { backgroundColor?: string };
  primaryColor?: string;
  fontFamily?: string;
  borderRadius?: string;
  primaryButtonConfig?: ButtonColours;
  secondaryButtonConfig?: ButtonColours;
}

export interface ButtonColours {
  backgroundColor?: string;
  buttonShadow?: string;
  textColor?: string;
  hoverBackground?: string;
  hoverBorderColor?: string;
  borderColor?: string;
  hoverTextColor?: string;
}

/** The accepted rows, by column key; `upload` is the upload's document (not a member of the list). */
export type Rows = Record<string, unknown>[] & { readonly upload: Record<string, unknown> };

export interface Douane {
  /** Opens the widget. Null: the person left without importing. */
  import(options: ImportOptions): Promise<Rows | null>;
  close(): void;
}

export const douane: Douane;
export default douane;

declare global {
  interface Window {
    douane: Douane;
  }
  interface HTMLElementTagNameMap {
    "douane-import": HTMLElement & { options?: ImportOptions; open(): Promise<void> };
  }
}
