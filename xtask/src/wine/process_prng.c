/* Windows 10's bcryptprimitives.dll, as far as the standard library of Rust needs it. Wine 8 has none; its random numbers are there
   under an older name. */
#include <stddef.h>

__declspec(dllimport) unsigned char __stdcall SystemFunction036(void *bytes, unsigned long length);

__declspec(dllexport) int __stdcall ProcessPrng(unsigned char *bytes, size_t length)
{
    return SystemFunction036(bytes, (unsigned long)length);
}
