    0  r2 = *(u32 *)(r1 +0)                        ; data
    1  r3 = *(u32 *)(r1 +4)                        ; data_end
entry:
    2  r4 = &seen[0]                               ; v0 moved
    4  r5 = &built[0]                              ; v0 moved
    6  r4 = *(u64 *)(r4 +0)                        ; v0 moved
    7  r5 = *(u64 *)(r5 +0)                        ; v0 moved
    8  r0 = r4                                     ; v0 moved
    9  r0 ^= r5                                    ; v0 moved
   10  r0 &= 0x0                                   ; v0 moved
   11  if r4 != r5 -> punt moved                   ; v10 guard
   12  r4 = r2                                     ; v11 bound
   13  r4 += 0x22                                  ; v11 bound
   14  if r4 > r3 -> punt short                    ; v11 bound
   15  r2 = *(u32 *)(r2 +30)                       ; v4 load
   16  r2 = be32 r2                                ; v4 load
   17  r3 = r2                                     ; v5 lookup
   18  w3 >>= 0x8                                  ; v5 lookup
   19  w3 <<= 0x1                                  ; v5 lookup
   20  r4 = &route4[0]                             ; v5 lookup
   22  r4 += r3                                    ; v5 lookup
   23  r4 += r0                                    ; v5 lookup
   24  r3 = *(u16 *)(r4 +0)                        ; v5 lookup
   25  if w3 < 0x8000 -> .6                        ; v5 lookup
   26  w3 &= 0x7                                   ; v5 lookup
   27  w3 <<= 0x9                                  ; v5 lookup
   28  w2 <<= 0x1                                  ; v5 lookup
   29  w2 &= 0x1fe                                 ; v5 lookup
   30  w2 |= w3                                    ; v5 lookup
   31  r3 = &route4[33554432]                      ; v5 lookup
   33  r3 += r2                                    ; v5 lookup
   34  r3 += r0                                    ; v5 lookup
   35  r3 = *(u16 *)(r3 +0)                        ; v5 lookup
.6:
   36  w3 &= 0xf                                   ; v6 lookup
   37  w3 <<= 0x4                                  ; v6 lookup
   38  r2 = &nexthop[0]                            ; v6 lookup
   40  r2 += r3                                    ; v6 lookup
   41  r2 += r0                                    ; v6 lookup
   42  r3 = *(u32 *)(r2 +8)                        ; v7 field
   43  r2 = r3                                     ; v8 lookup
   44  r2 += r0                                    ; v8 lookup
   45  *(u32 *)(rfp -8) = r2                       ; v8 lookup
   46  r1 = map device                             ; v8 lookup
   48  r2 = rfp                                    ; v8 lookup
   49  r2 += -0x8                                  ; v8 lookup
   50  *(u64 *)(rfp -16) = r3                      ; live through the call
   51  call FnMapLookupElem                        ; v8 lookup
   52  r3 = *(u64 *)(rfp -16)                      ; live through the call
   53  if r0 == 0x0 -> punt live-device            ; v13 guard
   54  r1 = r3                                     ; redirect
   55  r2 = 0x0                                    
   56  call FnRedirect                             
   57  exit                                        
punt moved:
   58  call FnGetSmpProcessorId                    
   59  r2 = 0x8                                    
   60  goto -> count and pass                      
punt short:
   61  call FnGetSmpProcessorId                    
   62  r2 = 0x10                                   
   63  goto -> count and pass                      
punt live-device:
   64  call FnGetSmpProcessorId                    
   65  r2 = 0x138                                  
count and pass:
   66  w0 <<= 0xb                                  
   67  w0 &= 0x800                                 
   68  r3 = &stats[0]                              
   70  r3 += r0                                    
   71  r3 += r2                                    
   72  r2 = *(u64 *)(r3 +0)                        
   73  r2 += 0x1                                   
   74  *(u64 *)(r3 +0) = r2                        
   75  r0 = 0x2                                    
   76  exit                                        
