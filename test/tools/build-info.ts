import type { ToolSource } from './catalog.ts'

/** What `go version -m <program>` tells, as far as we look at it. */
export interface BuildInfo {
  /** The package that it was built from. */
  readonly path: string
  /** The module and its version; `(devel)` when it was built in its source directory. */
  readonly module: string
  readonly version: string
  /** What the linker was told to set: `name=value`. */
  readonly stamps: ReadonlySet<string>
}

/** The variable that marks what we built in a copy of the module, where Go itself knows no version. No program reads it. */
const MARK = 'heliport.tool'

/** Reads the output of `go version -m`; undefined when that was no Go program. */
export function parseBuildInfo(text: string): BuildInfo | undefined {
  const lines = text.split('\n').map((line) => line.trim().split('\t'))
  const path = lines.find(([key]) => key === 'path')?.[1]
  if (path === undefined) return undefined
  const [, module = '', version = ''] = lines.find(([key]) => key === 'mod') ?? []
  const flags = lines.find(([key, value]) => key === 'build' && /^"?-ldflags=/.test(value ?? ''))
  const stamps = (flags?.[1] ?? '').split(/[\s"]+/).filter((word) => word.includes('='))
  return { path, module, version, stamps: new Set(stamps) }
}

/** Whether a program is the one of the catalog, and of its version. */
export function isRightBuild(info: BuildInfo, source: ToolSource): boolean {
  const { go = '@', build, stamps = {}, elsewhere } = source
  const [path = '', version] = go.split('@')
  if (info.path !== (build === 'test' ? `${path}.test` : path)) return false
  const stamped = Object.entries(stamps).every(([name, value]) =>
    info.stamps.has(`${name}=${value}`),
  )
  const ofModule = path === info.module || path.startsWith(`${info.module}/`)
  const ofVersion = ofModule && info.version === version
  // What its makers built has either: Go names no version in a checkout without tags, and no stamps of a trimmed build.
  if (elsewhere !== undefined) return ofVersion || (stamped && Object.keys(stamps).length > 0)
  return stamped && (ofVersion || info.stamps.has(`${MARK}=${go}`))
}

/** For `go build`: the makers' stamps, and our mark. */
export function linkerFlags({ go, stamps = {} }: ToolSource): string {
  const set = Object.entries({ ...stamps, [MARK]: go })
  return `-ldflags=${set.map(([name, value]) => `-X ${name}=${value}`).join(' ')}`
}

/** A version as people write it: of a pseudo-version only the commit. */
export function shortVersion(go: string): string {
  const version = go.slice(go.indexOf('@') + 1)
  return /^v0\.0\.0-\d{14}-([0-9a-f]{12})$/.exec(version)?.[1] ?? version
}
