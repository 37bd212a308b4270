import { join } from 'node:path'
import { run } from '../e2e/support/command.ts'
import { isRightBuild, parseBuildInfo } from './build-info.ts'
import { TOOLS } from './catalog.ts'
import { executable, findTool, toolDirectory } from './find.ts'
import type { BuildInfo } from './build-info.ts'
import type { ToolName, ToolSource } from './catalog.ts'

/** Whether a tool can be used here, and which one that is. */
export type ToolState =
  | { is: 'right'; path: string }
  /** It is where we build, but there is no Go here to tell its version. */
  | { is: 'unchecked'; path: string }
  /** Something else has this name. */
  | { is: 'other'; path: string; what: string }
  | { is: 'missing' }

/** Looks for a tool. A Debian package's version is Debian's matter; a Go program must be the one of the catalog. */
export async function toolState(name: ToolName, go: string | undefined): Promise<ToolState> {
  const source: ToolSource = TOOLS[name]
  const path = await findTool(name)
  if (path === undefined) return { is: 'missing' }
  if (source.go === undefined) return { is: 'right', path }
  if (go === undefined && path === ours(name)) return { is: 'unchecked', path }
  if (go === undefined) return { is: 'other', path, what: 'of a version that only Go can tell' }
  const info = await buildInfo(go, path)
  if (info !== undefined && isRightBuild(info, source)) return { is: 'right', path }
  return { is: 'other', path, what: info ? `${info.module}@${info.version}` : 'no Go program' }
}

/** Whether the tool directory itself has the right build, so that it need not be built. */
export async function isBuilt(name: ToolName, go: string | undefined): Promise<boolean> {
  if (!(await executable(ours(name)))) return false
  const { is } = await toolState(name, go)
  return is === 'right' || is === 'unchecked'
}

function ours(name: ToolName): string {
  return join(toolDirectory(), name)
}

async function buildInfo(go: string, path: string): Promise<BuildInfo | undefined> {
  try {
    return parseBuildInfo(await run(go, ['version', '-m', path]))
  } catch {
    return undefined // Go cannot read it: it is no Go program, or a damaged one.
  }
}
