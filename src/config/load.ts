import { dirname, resolve } from 'node:path'
import { isObject, readEnvironment } from './environment.ts'
import { readConfigFile } from './file.ts'
import { assign, emptyInput, withoutEmpty } from './input.ts'
import { judge } from './judge.ts'
import { ConfigError, pathText } from './problems.ts'
import type { Environment, Setting } from './environment.ts'
import type { ConfigFile } from './file.ts'
import type { Input } from './input.ts'
import type { Problem } from './problems.ts'
import type { Config, ParsedConfig } from './schema.ts'

export { ConfigError } from './problems.ts'

/** The environment variable with the password of the keychain. It wins over `keys.passwordFile`. */
const PASSWORD_VARIABLE = 'HELIPORT_PASSWORD'

/** Where the configuration comes from. */
export interface LoadOptions {
  /** The YAML file, relative to `cwd`; absent: built-in defaults. */
  file?: string | undefined
  env: Environment
  /** The directory that relative paths in the environment are meant from. */
  cwd: string
}

/** A configuration that can be used, and what is strange about its source but harmless. */
export interface LoadedConfig {
  readonly config: Config
  /** One line each. */
  readonly warnings: readonly string[]
}

/**
 * Reads the configuration: defaults, then the file, then the environment.
 *
 * @throws ConfigError with every problem at once, as `file:line:column key: what is wrong and what to do`
 */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const { settings, problems, warnings } = readEnvironment(options.env)
  const lines = problems.map((problem) => `${pathText(problem.path)}: ${problem.message}`)
  const file =
    options.file === undefined ? undefined : await readOrCollect(options.file, options.cwd, lines)
  const sources: Sources = { file, settings }
  const result = judge(merge(sources))
  if ('problems' in result) lines.push(...locateAll(result.problems, sources))
  if (lines.length > 0 || 'problems' in result) throw new ConfigError([...new Set(lines)])
  const bases = {
    file: options.file && dirname(resolve(options.cwd, options.file)),
    cwd: options.cwd,
  }
  const config = withPassword(
    withPaths(result.config, settings, bases),
    options.env[PASSWORD_VARIABLE],
  )
  return { config: deepFreeze(config), warnings }
}

interface Sources {
  readonly file: ConfigFile | undefined
  readonly settings: readonly Setting[]
}

/** A file that cannot be read at all must not hide what is wrong with the environment. */
async function readOrCollect(
  file: string,
  cwd: string,
  lines: string[],
): Promise<ConfigFile | undefined> {
  try {
    const found = await readConfigFile(resolve(cwd, file), file)
    if (isObject(found.values)) return found
    lines.push(
      `${found.locate({ path: [] }).text} must be a map of options, like "http:" with "addr: …" below it`,
    )
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    lines.push(...error.problems)
  }
  return undefined
}

function merge({ file, settings }: Sources): Input {
  const input = emptyInput()
  if (file !== undefined && isObject(file.values))
    Object.assign(input, structuredClone(file.values))
  for (const setting of settings) assign(input, setting.path, setting.value)
  return withoutEmpty(input)
}

/** One line per problem: what the environment caused, then the file from top to bottom. */
function locateAll(problems: readonly Problem[], sources: Sources): string[] {
  return problems
    .map((problem) => locate(problem, sources))
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ text }) => text)
}

function locate(problem: Problem, { file, settings }: Sources): { text: string; offset: number } {
  const setting = settings.findLast(({ path }) =>
    path.every((part, index) => part === problem.path[index]),
  )
  if (setting !== undefined) {
    const inside = problem.path.slice(setting.path.length)
    const entry = inside.length === 0 ? '' : ` entry ${pathText(inside)}`
    const section = namesOption(setting) ? '' : ` ${pathText(setting.path)}`
    return { text: `${setting.variable}:${section}${entry} ${problem.message}`, offset: -1 }
  }
  const { text, offset } = file?.locate(problem) ?? { text: 'configuration', offset: -1 }
  return { text: `${text} ${pathText(problem.path)}: ${problem.message}`, offset }
}

/** Whether the variable names exactly the option of the setting, not a section around it. */
function namesOption({ variable, path }: Setting): boolean {
  return variable.endsWith(`_${path.join('_').toUpperCase()}`)
}

/** Paths in the file are relative to it, also the defaults beside it; those in the environment to `cwd`. */
function withPaths(
  config: ParsedConfig,
  settings: readonly Setting[],
  bases: { file: string | undefined; cwd: string },
): ParsedConfig {
  const absolute = (option: string, path: string): string => {
    const fromEnvironment = settings.some((setting) => setting.path.join('.') === option)
    return resolve(fromEnvironment ? bases.cwd : (bases.file ?? bases.cwd), path)
  }
  const orNull = (option: string, path: string | null): string | null =>
    path === null ? null : absolute(option, path)
  const files = (option: string, list: readonly string[]): string[] =>
    list.map((path) => absolute(option, path))
  const { http, auth, storage, keys, network, audit, ipns, signatures } = config
  const { certificate, key } = http.tls
  return {
    ...config,
    http: {
      ...http,
      tls: {
        ...http.tls,
        certificate: orNull('http.tls.certificate', certificate),
        key: orNull('http.tls.key', key),
      },
    },
    auth: {
      ...auth,
      htpasswd: orNull('auth.htpasswd', auth.htpasswd),
      token: {
        ...auth.token,
        keys: files('auth.token.keys', auth.token.keys),
      },
    },
    storage: { ...storage, path: absolute('storage.path', storage.path) },
    keys: { ...keys, passwordFile: orNull('keys.passwordFile', keys.passwordFile) },
    network: { ...network, swarmKey: orNull('network.swarmKey', network.swarmKey) },
    ipns: {
      ...ipns,
      readOnlyKeys: ipns.readOnlyKeys.map((entry) => ({
        ...entry,
        signedBy: files('ipns.readOnlyKeys', entry.signedBy),
      })),
    },
    signatures: signatures.map((rule) => ({ ...rule, keys: files('signatures', rule.keys) })),
    audit: { ...audit, file: orNull('audit.file', audit.file) },
  }
}

/** The password is there for who asks for it by name; JSON, logs and inspection do not see it. */
function withPassword(config: ParsedConfig, password: string | undefined): Config {
  const keys = { ...config.keys }
  if (password !== undefined && password !== '') {
    Object.defineProperty(keys, 'password', { value: password, enumerable: false })
  }
  return { ...config, keys }
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const inner of Object.values(value)) deepFreeze(inner)
  return Object.freeze(value)
}
