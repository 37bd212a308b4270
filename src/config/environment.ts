import { OPTIONS, VARIABLE_PREFIX } from './options.ts'
import { suggestVariable } from './suggest.ts'
import type { Option } from './options.ts'
import type { Problem } from './problems.ts'

/** Environment variables, as `process.env` holds them. */
export type Environment = Readonly<Record<string, string | undefined>>

/** One value from the environment, at the place it has in the configuration. */
export interface Setting {
  readonly path: readonly string[]
  readonly value: unknown
  /** The variable it came from. */
  readonly variable: string
}

/** What the environment says about the configuration. */
export interface EnvironmentSettings {
  /** Sections before the keys in them: what comes later wins. */
  readonly settings: readonly Setting[]
  /** Variables that cannot be read; `path[0]` is the variable. */
  readonly problems: readonly Problem[]
  readonly warnings: readonly string[]
}

/**
 * Reads every `REGISTRY_…` variable. A section's variable is JSON and sets the keys that it names; a list's may be a JSON
 * array; an empty variable is `null`.
 */
export function readEnvironment(env: Environment): EnvironmentSettings {
  const settings: Setting[] = []
  const problems: Problem[] = []
  for (const option of OPTIONS.toSorted((a, b) => a.path.length - b.path.length)) {
    const text = env[option.variable]
    if (text === undefined) continue
    const value = readVariable(option, text)
    if (value instanceof Wrong) problems.push({ path: [option.variable], message: value.message })
    else settings.push(...spread(option.path, value, option.variable))
  }
  return { settings, problems, warnings: unknownVariables(env) }
}

/** Not thrown: every problem is wanted, not the first. */
class Wrong {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

function readVariable(option: Option, text: string): unknown {
  if (text === '') return null
  switch (option.kind) {
    case 'list':
      return readList(text)
    case 'boolean':
      return readBoolean(text)
    case 'number':
      return readNumber(text)
    case 'section':
    case 'map':
      return readSection(text)
    case 'text':
      return text
  }
}

function readBoolean(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true'
  return new Wrong('must be true or false')
}

function readNumber(text: string): unknown {
  return /^\d{1,15}(\.\d{1,6})?$/.test(text) ? Number(text) : new Wrong('must be a number')
}

/** Names and addresses with commas between them, or JSON where entries have parts: no entry begins with a bracket. */
function readList(text: string): unknown {
  if (!text.trimStart().startsWith('[')) return text.split(',').map((entry) => entry.trim())
  return readJson(text, 'a list, like ["a", {"key": "b"}]')
}

function readSection(text: string): unknown {
  const value = readJson(text, 'an object, like {"key": "value"}')
  return value instanceof Wrong || isObject(value)
    ? value
    : new Wrong('is a section: write a JSON object, like {"key": "value"}')
}

function readJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    // Without the piece of it that V8 shows: there may be a secret in it.
    const why = error.message.replace(/, (\.\.\.)?".*$/s, '')
    return new Wrong(`is not JSON (${why}): write ${what}`)
  }
}

/** A section overlays what the file says key by key, as in CNCF Distribution. */
function spread(path: readonly string[], value: unknown, variable: string): Setting[] {
  const section = OPTIONS.some(
    (option) => option.kind === 'section' && option.path.join('.') === path.join('.'),
  )
  if (!section || !isObject(value))
    return section && value === null ? [] : [{ path, value, variable }]
  return Object.entries(value).flatMap(([key, inner]) => spread([...path, key], inner, variable))
}

/** Kubernetes sets such variables for every service of the namespace, so they cannot be errors. */
function unknownVariables(env: Environment): string[] {
  const known = new Set(OPTIONS.map((option) => option.variable))
  return Object.keys(env)
    .filter((name) => name.startsWith(VARIABLE_PREFIX) && !known.has(name))
    .toSorted()
    .map((name) => {
      const meant = suggestVariable(name)
      return `${name}: names no option and is ignored${meant === undefined ? '' : `, did you mean ${meant}?`}`
    })
}

/** Whether the value is an object with keys, not a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
