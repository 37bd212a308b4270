import type { ToolName } from '../tools/catalog.ts'

/** One of the suites, with the settings that it is run with. */
export interface Suite {
  /** In file names. */
  readonly id: string
  readonly title: string
  readonly program: ToolName
  /** For the suite; where the registry is comes in addition. */
  readonly settings: Readonly<Record<string, string>>
  /** Of Heliport's configuration: `storage.validation`. */
  readonly validation: 'strict' | 'sparse'
  /** What may be `Disabled`: the names of the rows, and how many tests that makes. */
  readonly disabled: { readonly rows: readonly string[]; readonly tests: number }
  /** What may be skipped, each with the reason. */
  readonly skipped: Readonly<Record<string, string>>
  /** Whether it is run again, on what the first run left, after the registry was killed. */
  readonly again: boolean
  /** Whether a machine need not have it: not every suite can be had by name. */
  readonly optional?: boolean
}

const NOTHING = { rows: [], tests: 0 }

/** The rewritten suite of 2026, as it comes: what is in the released specification. */
const stable: Suite = {
  id: 'stable',
  title: 'Suite of 2026, spec 1.1',
  program: 'conformance',
  settings: { OCI_VERSION: '1.1' },
  validation: 'strict',
  // Off in this version of the specification, by the suite's own defaults. What `dev` turns on.
  disabled: {
    rows: [
      'API: Blob upload cancel',
      'API: Manifest put with tag params',
      'Data: Sparse Manifests',
      'Data: Tag Param',
      'Data: Tag Param sha512',
    ],
    tests: 2,
  },
  skipped: {},
  again: true,
}

/** The same with everything on that it has: the specification's newest text. Nothing is disabled. */
const dev: Suite = {
  id: 'dev',
  title: 'Suite of 2026, spec 1.1+dev, with sparse manifests',
  program: 'conformance',
  settings: { OCI_VERSION: 'dev', OCI_DATA_SPARSE: 'true' },
  validation: 'sparse',
  disabled: NOTHING,
  skipped: {},
  again: true,
}

const EITHER = 'the other answer to the same request is the one that the settings ask for'

/** The suite before, of which registries were certified by the last release: the newest that a module proxy has. */
const old: Suite = {
  id: '2023',
  title: 'Suite of November 2023, all four categories',
  program: 'conformance-2023.test',
  settings: {
    OCI_TEST_PULL: '1',
    OCI_TEST_PUSH: '1',
    OCI_TEST_CONTENT_DISCOVERY: '1',
    OCI_TEST_CONTENT_MANAGEMENT: '1',
    OCI_AUTOMATIC_CROSSMOUNT: '1',
  },
  validation: 'strict',
  disabled: NOTHING,
  skipped: {
    'Pull Setup Get tag name from environment': 'for a registry that cannot be pushed to',
    'Content Discovery Setup Populate registry with test tags (no push)':
      'for a registry that cannot be pushed to',
    'Push Cross-Repository Blob Mount Cross-mounting of nonexistent blob should yield session id':
      'for a registry that mounts nothing',
    'Push Cross-Repository Blob Mount Cross-mounting without from, and automatic content discovery disabled should return a 202':
      EITHER,
  },
  again: false,
}

/** Its last release, which is not to be had by name. */
const last: Suite = {
  ...old,
  id: 'v1.1.1',
  title: 'Suite v1.1.1, all four categories',
  program: 'conformance-v1.1.1.test',
  optional: true,
}

export const SUITES: readonly Suite[] = [stable, dev, old, last]

/** The repositories that the suites push to; the same ones in the second run. */
export const REPOSITORIES = ['conformance/repo1', 'conformance/repo2'] as const

/** What a suite is told: where the registry is, where to write its results, and its settings. */
export function suiteEnvironment(
  { program, settings }: Suite,
  host: string,
  results: string,
): Record<string, string> {
  const [first, second] = REPOSITORIES
  if (program === 'conformance')
    return {
      OCI_REGISTRY: host,
      OCI_TLS: 'disabled',
      OCI_REPO1: first,
      OCI_REPO2: second,
      OCI_RESULTS_DIR: results,
      ...settings,
    }
  return {
    OCI_ROOT_URL: `http://${host}`,
    OCI_NAMESPACE: first,
    OCI_CROSSMOUNT_NAMESPACE: second,
    OCI_REPORT_DIR: results,
    ...settings,
  }
}
