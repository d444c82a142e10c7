import type { SubmissionResult } from '@conform-to/react'
import { useActionData } from '@remix-run/react'

/** What the action answered to a form that it refused. */
export interface FormResult {
  /** Which of the page's forms it was; empty where there is one. */
  intent: string
  result: SubmissionResult<string[]>
}

/** What became of the form with this intent, where it was the last one sent and refused. */
export function useFormResult(intent = ''): SubmissionResult<string[]> | undefined {
  const data = useActionData<FormResult>()
  return data?.intent === intent ? data.result : undefined
}
