//! Which errors of an evaluation are the request's own: they end with exit code 2.

use super::global::Refused;
use crate::data::DataError;
use crate::encode::EncodeError;
use crate::eval::Error as EvalError;
use crate::hub::HubError;
use crate::model::ModelError;
use crate::runner::RunError;

/// The error, as a refusal where what was asked for cannot be right: a name that nothing bears, a
/// number out of its range, things that do not fit each other. Work that failed stays what it is.
pub fn refused(error: anyhow::Error) -> anyhow::Error {
    if error.downcast_ref::<Refused>().is_none() && error.chain().any(is_requests_own) {
        return Refused(super::chain(&error)).into();
    }
    error
}

fn is_requests_own(cause: &(dyn std::error::Error + 'static)) -> bool {
    if let Some(error) = cause.downcast_ref::<RunError>() {
        return match error {
            RunError::Unfit(_) => true,
            RunError::Encode(error) => of_encoder(error),
            RunError::Data(error) => of_data(error),
            RunError::Eval(error) => of_numbers(error),
            _ => false,
        };
    }
    cause.downcast_ref().is_some_and(of_encoder)
        || cause.downcast_ref().is_some_and(of_data)
        || cause.downcast_ref().is_some_and(of_numbers)
}

fn of_encoder(error: &EncodeError) -> bool {
    match error {
        EncodeError::Spec(_)
        | EncodeError::Unknown { .. }
        | EncodeError::Ambiguous { .. }
        | EncodeError::Unfit { .. } => true,
        EncodeError::Hub(error) => {
            matches!(
                error,
                HubError::Name { .. } | HubError::NotPulled { .. } | HubError::NoFile { .. }
            )
        }
        EncodeError::Model(error) => matches!(error, ModelError::Layer { .. }),
        EncodeError::Data(error) => of_data(error),
        _ => false,
    }
}

fn of_data(error: &DataError) -> bool {
    matches!(
        error,
        DataError::NoSuchSet { .. }
            | DataError::NoNamedSet { .. }
            | DataError::NotTheNamedSet { .. }
            | DataError::Range { .. }
    )
}

fn of_numbers(error: &EvalError) -> bool {
    matches!(error, EvalError::Baseline { .. } | EvalError::TooFew { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_nothing_bears_is_the_requests_own_and_a_torn_file_is_not() {
        let own = [
            anyhow::Error::from(RunError::Unfit("no query is called x".to_owned())),
            RunError::from(EncodeError::Unknown { name: "x".into(), expected: "y".into() }).into(),
            DataError::NoSuchSet { spec: "x".into(), found: "nothing" }.into(),
            RunError::from(EvalError::Baseline { found: "x".into(), expected: vec![] }).into(),
        ];
        for error in own {
            let said = error.to_string();
            let refused = refused(error);
            let text = refused.downcast_ref::<Refused>().unwrap().to_string();
            assert!(text.starts_with(&said), "{text}");
        }
        let torn = EncodeError::Interrupted;
        assert!(refused(RunError::from(torn).into()).downcast_ref::<Refused>().is_none());
    }
}
