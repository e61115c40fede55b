"""The behaviours of ``PaymentProviderContract``, by what they are about."""
