//! The key file, the epochs and the certificate.
