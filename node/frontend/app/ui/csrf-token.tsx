import { createContext, useContext } from 'react'
import { CSRF_FIELD } from '../session/csrf-field.ts'

const context = createContext('')

/** The session's token: every form that changes something carries it. */
export const CsrfToken = {
  Provider: context.Provider,
  Input: function CsrfTokenInput() {
    return <input type="hidden" name={CSRF_FIELD} value={useContext(context)} />
  }
}
