import { ask } from './ask.ts'
import { judge } from './verdict.ts'
import type { Got } from './ask.ts'
import type { Question } from './questions.ts'

/** Questions under way at once, as two clients that pull images have. */
const AT_ONCE = 12

/** So often an answer that is none is asked for again: a lie may be found out only by the first who believes it. */
const ATTEMPTS = 3

/** A question that was not answered as it must be. */
export class WrongAnswer extends Error {
  static override readonly name = 'WrongAnswer'
  override readonly name = 'WrongAnswer'
  /** As {@link Verdict}'s. */
  readonly isLate: boolean

  constructor(message: string, isLate: boolean) {
    super(message)
    this.isLate = isLate
  }
}

/** Told of every answer. */
export type OnAnswer = (question: Question, got: Got, attempt: number) => void

/**
 * Asks everything, manifests first, as clients do.
 *
 * @throws WrongAnswer for the first that must not be
 */
export async function askAll(
  url: string,
  questions: readonly Question[],
  onAnswer: OnAnswer = () => undefined,
): Promise<void> {
  const isFirst = ({ path }: Question): boolean => path.includes('/manifests/')
  for (const some of [questions.filter(isFirst), questions.filter((each) => !isFirst(each))]) {
    const queue = some.values()
    const worker = async (): Promise<void> => {
      for (const question of queue) await askUntilRight(url, question, onAnswer)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
  }
}

async function askUntilRight(url: string, question: Question, onAnswer: OnAnswer): Promise<void> {
  const seen: string[] = []
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const got = await askOnce(url, question)
    onAnswer(question, got, attempt)
    const verdict = judge(question, got)
    seen.push(
      `${got.status}${got.isComplete ? '' : ' cut'} after ${Math.round(got.firstByteMs)} ms`,
    )
    if (verdict.is === 'right') return
    if (verdict.is === 'wrong')
      throw failed(question, `${verdict.why} (${seen.join(', ')})`, verdict.isLate === true)
    if (!question.isHonest && attempt === 2) return
  }
  if (question.isHonest) throw failed(question, `never answered: ${seen.join(', ')}`, true)
}

function askOnce(url: string, { path, method, range, rule }: Question): Promise<Got> {
  const headers: Record<string, string> =
    range === undefined ? {} : { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` }
  const most = rule.kind === 'content' ? rule.truth?.length : undefined
  return ask(url + path, { method, headers, most })
}

function failed({ method, path, range }: Question, why: string, isLate: boolean): WrongAnswer {
  const part = range === undefined ? '' : ` bytes ${range.offset}+${range.length}`
  return new WrongAnswer(`${method} ${path}${part}: ${why}`, isLate)
}
