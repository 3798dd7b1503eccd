    0  r3 = *(u32 *)(r1 +0)                        ; data
    1  r4 = *(u32 *)(r1 +4)                        ; data_end
entry:
    2  r2 = r3                                     ; v13 bound
    3  r2 += 0x22                                  ; v13 bound
    4  if r2 > r4 -> punt short                    ; v13 bound
    5  r2 = *(u32 *)(r3 +26)                       ; v1 load
    6  r2 = be32 r2                                ; v1 load
    7  r5 = 0x1                                    ; v2 lookup
    8  if w2 == 0xa000001 -> .5                    ; v2 lookup
    9  w2 &= 0xffffff00                            ; v2 lookup
   10  if w2 == 0xc0000200 -> .5                   ; v2 lookup
   11  r5 = 0x0                                    ; v2 lookup
.5:
   12  if w5 != 0x0 -> punt source-own             ; v15 guard
   13  r2 = *(u32 *)(r3 +30)                       ; v4 load
   14  r2 = be32 r2                                ; v4 load
   15  r5 = r2                                     ; v5 lookup
   16  w5 >>= 0x8                                  ; v5 lookup
   17  w5 <<= 0x1                                  ; v5 lookup
   18  r0 = &route4[0]                             ; v5 lookup
   20  r0 += r5                                    ; v5 lookup
   21  r5 = *(u16 *)(r0 +0)                        ; v5 lookup
   22  if w5 < 0x8000 -> .7                        ; v5 lookup
   23  w5 &= 0x7                                   ; v5 lookup
   24  w5 <<= 0x9                                  ; v5 lookup
   25  w2 <<= 0x1                                  ; v5 lookup
   26  w2 &= 0x1fe                                 ; v5 lookup
   27  w2 |= w5                                    ; v5 lookup
   28  r5 = &route4[33554432]                      ; v5 lookup
   30  r5 += r2                                    ; v5 lookup
   31  r5 = *(u16 *)(r5 +0)                        ; v5 lookup
.7:
   32  w5 &= 0xf                                   ; v6 lookup
   33  w5 <<= 0x4                                  ; v6 lookup
   34  r6 = &nexthop[0]                            ; v6 lookup
   36  r6 += r5                                    ; v6 lookup
   37  r5 = *(u32 *)(r6 +8)                        ; v7 field
   38  *(u32 *)(rfp -8) = r5                       ; v8 lookup
   39  r1 = map device                             ; v8 lookup
   41  r2 = rfp                                    ; v8 lookup
   42  r2 += -0x8                                  ; v8 lookup
   43  *(u64 *)(rfp -16) = r5                      ; live through the call
   44  *(u64 *)(rfp -24) = r4                      ; live through the call
   45  *(u64 *)(rfp -32) = r3                      ; live through the call
   46  call FnMapLookupElem                        ; v8 lookup
   47  r3 = *(u64 *)(rfp -32)                      ; live through the call
   48  r4 = *(u64 *)(rfp -24)                      ; live through the call
   49  r5 = *(u64 *)(rfp -16)                      ; live through the call
   50  if r0 == 0x0 -> punt live-device            ; v17 guard
   51  r4 -= r3                                    ; v11 meta
   52  r2 = *(u32 *)(r0 +0)                        ; v10 field
   53  if w4 > w2 -> punt mtu                      ; v18 guard
   54  *(u8 *)(r6 +12) = 1                         ; v19 mark
   55  r2 = *(u64 *)(r6 +0)                        ; v12 field
   56  *(u64 *)(r3 +0) = r2                        ; v20 store.le
   57  r1 = r5                                     ; redirect
   58  r2 = 0x0                                    
   59  call FnRedirect                             
   60  exit                                        
punt short:
   61  call FnGetSmpProcessorId                    
   62  r2 = 0x10                                   
   63  goto -> count and pass                      
punt source-own:
   64  call FnGetSmpProcessorId                    
   65  r2 = 0x60                                   
   66  goto -> count and pass                      
punt mtu:
   67  call FnGetSmpProcessorId                    
   68  r2 = 0x118                                  
   69  goto -> count and pass                      
punt live-device:
   70  call FnGetSmpProcessorId                    
   71  r2 = 0x138                                  
count and pass:
   72  w0 <<= 0xb                                  
   73  w0 &= 0x800                                 
   74  r3 = &stats[0]                              
   76  r3 += r0                                    
   77  r3 += r2                                    
   78  r2 = *(u64 *)(r3 +0)                        
   79  r2 += 0x1                                   
   80  *(u64 *)(r3 +0) = r2                        
   81  r0 = 0x2                                    
   82  exit                                        
